#pragma once

/// Marks a function that runs on the host and, under nvcc, on the device: kernel bodies are written once
/// as functors so marked, and either backend launches them.
#ifdef __CUDACC__
#define LACUNA_HD __host__ __device__
#else
#define LACUNA_HD
#endif
