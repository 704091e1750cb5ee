// SPDX-License-Identifier: MIT
#pragma once

int processor_count(void); // that this process may use; at least 1
