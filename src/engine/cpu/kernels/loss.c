// SPDX-License-Identifier: MIT
// The loss of a batch (spec.md section 4). With p = sigmoid(z), n = N pixels:
//   bce  = sum over k of mean(BCE(z_k, t_k)) (n - sum t_k) / n
//   dice = mean over samples and classes of 1 - (2 sum(p t) + 1) / (sum(p^2) + sum(t^2) + 1)
//   loss = w bce + (1 - w) dice
// Sums over chunks of a sample's pixels, totals and metrics, then the gradient.
#include "engine/cpu/kernels/loss.h"
#include "engine/cpu/kernels/set.h"

#include <math.h>

static const double smooth = 1;

// 1 / (1 + e^-z) without overflow; e = exp(-|z|)
static float sigmoid(float z, float e)
{
    return (z < 0 ? e : 1) / (1 + e);
}

static void sum_class(const float *z, const float *t, size_t count, size_t labels,
                      float sums[LOSS_SUMS])
{
    double pt = 0, pp = 0, tt = 0, ts = 0, bce = 0;
    for (size_t i = 0; i < count * labels; i += labels) {
        const float e = expf(-fabsf(z[i])), p = sigmoid(z[i], e);
        pt += (double)p * t[i];
        pp += (double)p * p;
        tt += (double)t[i] * t[i];
        ts += t[i];
        bce += fmax(z[i], 0) - (double)z[i] * t[i] + log1pf(e);
    }
    sums[LOSS_PT] = (float)pt;
    sums[LOSS_PP] = (float)pp;
    sums[LOSS_TT] = (float)tt;
    sums[LOSS_T] = (float)ts;
    sums[LOSS_BCE] = (float)bce;
}

static void sum_chunks(const struct loss *loss, size_t chunks)
{
    const size_t labels = (size_t)loss->labels, pixels = (size_t)loss->pixels, n = (size_t)loss->n;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < n * chunks; i++) {
        const size_t first = i % chunks * LOSS_CHUNK, left = pixels - first;
        const size_t at = (i / chunks * pixels + first) * labels,
                     count = left < LOSS_CHUNK ? left : LOSS_CHUNK;
        for (size_t k = 0; k < labels; k++)
            sum_class(loss->logits + at + k, loss->targets + at + k, count, labels,
                      loss->scratch + (i * labels + k) * LOSS_SUMS);
    }
}

// What the gradient needs of one class of one sample: d(loss)/dz = bce (p - t) + dice (p ratio - t)
// p (1 - p)
struct slope {
    float bce, dice, ratio;
};

// The totals of one class: adds to the metrics, and leaves the slopes of its samples in the places
// of their first chunk.
static void finish_class(const struct loss *loss, size_t chunks, size_t k, double *bce,
                         double *dice)
{
    const size_t labels = (size_t)loss->labels, n = (size_t)loss->n;
    const double all = (double)n * loss->pixels, terms = (double)n * (double)labels,
                 w = loss->bce_weight;
    double targets = 0, entropy = 0;
    for (size_t sample = 0; sample < n; sample++) {
        float *sums = loss->scratch + (sample * chunks * labels + k) * LOSS_SUMS;
        double total[LOSS_SUMS] = {0};
        for (size_t chunk = 0; chunk < chunks; chunk++)
            for (int s = 0; s < LOSS_SUMS; s++)
                total[s] += sums[chunk * labels * LOSS_SUMS + (size_t)s];
        const double above = 2 * total[LOSS_PT] + smooth,
                     below = total[LOSS_PP] + total[LOSS_TT] + smooth;
        const struct slope slope = {0, (float)((1 - w) / terms * 2 / below),
                                    (float)(above / below)};
        memcpy(sums, &slope, sizeof(slope));
        *dice += (1 - above / below) / terms;
        targets += total[LOSS_T];
        entropy += total[LOSS_BCE];
    }
    const double background = (all - targets) / all;
    *bce += entropy / all * background;
    for (size_t sample = 0; sample < n; sample++)
        loss->scratch[(sample * chunks * labels + k) * LOSS_SUMS] = (float)(w * background / all);
}

static void gradient(const struct loss *loss, size_t chunks)
{
    const size_t labels = (size_t)loss->labels, pixels = (size_t)loss->pixels, n = (size_t)loss->n;
#pragma omp parallel for schedule(static)
    for (size_t pixel = 0; pixel < n * pixels; pixel++) {
        const float *sums = loss->scratch + pixel / pixels * chunks * labels * LOSS_SUMS;
        for (size_t k = 0; k < labels; k++) {
            struct slope slope;
            memcpy(&slope, sums + k * LOSS_SUMS, sizeof(slope));
            const size_t i = pixel * labels + k;
            const float z = loss->logits[i], t = loss->targets[i], e = expf(-fabsf(z)),
                        p = sigmoid(z, e);
            const float by_p = slope.dice * (p * slope.ratio - t);
            ((real *)loss->gradient)[i] =
                store_real(slope.bce * (p - t) + by_p * p * sigmoid(-z, e));
        }
    }
}

void KERNEL(loss)(const struct loss *loss)
{
    const size_t chunks = loss_chunks(loss->pixels);
    double bce = 0, dice = 0;
    sum_chunks(loss, chunks);
    for (size_t k = 0; k < (size_t)loss->labels; k++)
        finish_class(loss, chunks, k, &bce, &dice);
    loss->metrics[0] = (float)bce;
    loss->metrics[1] = (float)dice;
    loss->metrics[2] = (float)(loss->bce_weight * bce + (1 - (double)loss->bce_weight) * dice);
    if (loss->gradient)
        gradient(loss, chunks);
}
