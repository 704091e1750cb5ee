// SPDX-License-Identifier: MIT
// The U-Net with a torchvision ResNet encoder (spec.md section 3) as a graph.
#pragma once

#include "vkgrid/graph/graph.h"

enum base_model { RESNET18, RESNET34 };

// Appends the network to the graph's current routine: x is [rows][cols][F] with rows and cols
// multiples of 32. Returns the logits [rows][cols][labels], named "logits" (with the routine's name
// appended), an output.
int unet_forward(struct graph *graph, enum base_model base_model, int x, int labels);

// Names of the tensors that the host fills and reads in the graphs made by the functions below.
struct unet_tensors {
    int inputs, targets; // BLOCK_DATA: [count][rows][cols][F], [count][rows][cols][K]
    int training_order, validation_order; // uint tables [training_count], [validation_count]
    int position;                         // shared uint[2]: samples done, steps done of this epoch
    int lr, bce_weight, correction;       // float tables [1], [1], [2]
    int loss_scale;                       // float table [3]
    int mark;                             // uint table [1] of ROUTINE_KEEP and ROUTINE_RESTORE
    int training_metrics, validation_metrics; // float tables [steps][3]: bce, dice, loss
    int validation_overlaps;                  // uint table [validation_count][K][OVERLAP_COUNTS]
    int logits[ROUTINE_COUNT];                // NO_TENSOR where the routine has none
    int loss_gradient;                        // gradient of the loss by the training logits
};

struct unet_shape {
    enum base_model base_model;
    int rows, cols, features, labels;
    int count, training_count; // samples of the data set, and how many of them are for training
    int batch_size;
    enum precision precision; // of programs of it; the graph is the same
};

// All that a training needs: ROUTINE_TRAIN, _EVALUATE, _KEEP, _RESTORE.
struct graph *unet_training_graph(const struct unet_shape *shape, struct unet_tensors *tensors);

// Only ROUTINE_PREDICT over `count` samples (training_order orders them; training_count
// is ignored).
struct graph *unet_prediction_graph(const struct unet_shape *shape, struct unet_tensors *tensors);

// "resnet18", "resnet34"; false without a message for any other.
bool base_model_parse(const char *text, enum base_model *base_model);
const char *base_model_name(enum base_model base_model);
