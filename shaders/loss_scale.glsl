// SPDX-License-Identifier: MIT
// Loss scaling (Micikevicius et al. 2018, "Mixed Precision Training", section 3.2), one scale a slot: the gradient of the loss is
// multiplied by a power of two, which keeps small gradients from vanishing in fp16; Adam divides by it. A step whose gradients are
// not all finite changes no parameter, only the scale. Numbers as those of PyTorch's GradScaler, but the scale stays between bounds, so
// that neither it nor its reciprocal is ever infinite.
//
// loss_scale [slot][3]: the scale, the good steps since it changed, and whether find_overflow.comp has found one: 0 or 1.
const REAL BACKOFF = 0.5, GROWTH = 2, GROWTH_INTERVAL = 2000, LEAST = 1.0 / 16777216, MOST = 16777216;
const uint SCALE = 0, GOOD_STEPS = 1, FOUND = 2, SCALE_SIZE = 3;
