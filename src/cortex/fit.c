// SPDX-License-Identifier: MIT
// The rigid motion that fits points to their targets: Kabsch, Acta Crystallographica A32 (1976),
// by the unit quaternion of Horn, Journal of the Optical Society of America A4 (1987): the
// eigenvector of the largest eigenvalue of a symmetric 4 x 4 matrix. It is the rotation that the
// singular value decomposition of the covariance gives, and never a reflection.
#include "vkgrid/cortex/template.h"

#include <math.h>
#include <string.h>

#define SWEEPS 32 // Jacobi's method needs about six

static void centroid(int count, const float (*points)[3], double center[3])
{
    memset(center, 0, 3 * sizeof(*center));
    for (int i = 0; i < count; i++)
        for (int k = 0; k < 3; k++)
            center[k] += points[i][k];
    for (int k = 0; k < 3 && count > 0; k++)
        center[k] /= count;
}

// Turns rows and columns p and q of the symmetric matrix so that a[p][q] becomes 0.
static void jacobi_turn(double a[4][4], double vectors[4][4], int p, int q)
{
    const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
    const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
    const double c = 1 / sqrt(t * t + 1), s = t * c;
    for (int k = 0; k < 4; k++) {
        const double kp = a[k][p], kq = a[k][q];
        a[k][p] = c * kp - s * kq;
        a[k][q] = s * kp + c * kq;
    }
    for (int k = 0; k < 4; k++) {
        const double pk = a[p][k], qk = a[q][k], vp = vectors[k][p], vq = vectors[k][q];
        a[p][k] = c * pk - s * qk;
        a[q][k] = s * pk + c * qk;
        vectors[k][p] = c * vp - s * vq;
        vectors[k][q] = s * vp + c * vq;
    }
}

// The eigenvector of the largest eigenvalue.
static void largest_eigenvector(double a[4][4], double vector[4])
{
    double vectors[4][4] = {{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}, {0, 0, 0, 1}};
    int largest = 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < 3; p++)
            for (int q = p + 1; q < 4; q++)
                if (a[p][q] != 0)
                    jacobi_turn(a, vectors, p, q);
    for (int i = 1; i < 4; i++)
        if (a[i][i] > a[largest][largest])
            largest = i;
    for (int i = 0; i < 4; i++)
        vector[i] = vectors[i][largest];
}

static void turn_of(const double q[4], double turn[3][3])
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double rows[3][3] = {
        {w * w + x * x - y * y - z * z, 2 * (x * y - w * z), 2 * (x * z + w * y)},
        {2 * (x * y + w * z), w * w - x * x + y * y - z * z, 2 * (y * z - w * x)},
        {2 * (x * z - w * y), 2 * (y * z + w * x), w * w - x * x - y * y + z * z}};
    memcpy(turn, rows, sizeof(rows));
}

static void move_one(const struct rigid_motion *motion, const float point[3], double moved[3])
{
    for (int k = 0; k < 3; k++)
        moved[k] = motion->turn[k][0] * point[0] + motion->turn[k][1] * point[1] +
                   motion->turn[k][2] * point[2] + motion->shift[k];
}

static double residual(const struct rigid_motion *motion, int count, const float (*points)[3],
                       const float (*targets)[3])
{
    double sum = 0, moved[3];
    for (int i = 0; i < count; i++) {
        move_one(motion, points[i], moved);
        for (int k = 0; k < 3; k++)
            sum += (moved[k] - targets[i][k]) * (moved[k] - targets[i][k]);
    }
    return count > 0 ? sqrt(sum / count) : 0;
}

void rigid_fit(int count, const float (*points)[3], const float (*targets)[3],
               struct rigid_motion *motion)
{
    double from[3], to[3], s[3][3] = {{0}}, quaternion[4];
    centroid(count, points, from);
    centroid(count, targets, to);
    for (int i = 0; i < count; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                s[j][k] += (points[i][j] - from[j]) * (targets[i][k] - to[k]);
    double n[4][4] = {
        {s[0][0] + s[1][1] + s[2][2], s[1][2] - s[2][1], s[2][0] - s[0][2], s[0][1] - s[1][0]},
        {s[1][2] - s[2][1], s[0][0] - s[1][1] - s[2][2], s[0][1] + s[1][0], s[2][0] + s[0][2]},
        {s[2][0] - s[0][2], s[0][1] + s[1][0], s[1][1] - s[0][0] - s[2][2], s[1][2] + s[2][1]},
        {s[0][1] - s[1][0], s[2][0] + s[0][2], s[1][2] + s[2][1], s[2][2] - s[0][0] - s[1][1]}};
    largest_eigenvector(n, quaternion);
    turn_of(quaternion, motion->turn);
    for (int k = 0; k < 3; k++)
        motion->shift[k] = to[k] - (motion->turn[k][0] * from[0] + motion->turn[k][1] * from[1] +
                                    motion->turn[k][2] * from[2]);
    motion->residual = residual(motion, count, points, targets);
}

void rigid_move(const struct rigid_motion *motion, int count, const float (*points)[3],
                float (*moved)[3])
{
    for (int i = 0; i < count; i++) {
        double place[3];
        move_one(motion, points[i], place);
        for (int k = 0; k < 3; k++)
            moved[i][k] = (float)place[k];
    }
}
