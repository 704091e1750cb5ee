// SPDX-License-Identifier: MIT
// The loss of a batch (spec.md section 4). With p = sigmoid(z), n = N pixels:
//   bce  = sum over k of mean(BCE(z_k, t_k)) (n - sum t_k) / n
//   dice = mean over samples and classes of 1 - (2 sum(p t) + 1) / (sum(p^2) + sum(t^2) + 1)
//   loss = w bce + (1 - w) dice
// Steps: loss_sums (sums over chunks of a sample's pixels), loss_finish (totals and metrics), loss_grad.
// Scratch of one slot:
//   sums   [N][chunks][K][5]: p t, p^2, t^2, t, BCE
//   totals [N][K][5] of the same, then [K]: (n - sum t_k) / n
const uint SUMS = 5, PT = 0, PP = 1, TT = 2, T = 3, BCE = 4;
const REAL SMOOTH = 1;

layout(push_constant) uniform Push { KERNEL_LOSS };

uint chunk_count()
{
    return (pixels + chunk - 1) / chunk;
}

// 1 / (1 + e^-z) without overflow.
REAL sigmoid(REAL z)
{
    const REAL e = exp(-abs(z));
    return (z < 0 ? e : REAL(1)) / (1 + e);
}
