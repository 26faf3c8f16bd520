# Turns on the CUDA language: nvcc from PATH, from /usr/local/cuda, or as named by CMAKE_CUDA_COMPILER or CUDACXX.
if(NOT CMAKE_CUDA_COMPILER AND "$ENV{CUDACXX}" STREQUAL "")
  find_program(CMAKE_CUDA_COMPILER nvcc PATHS /usr/local/cuda/bin DOC "The CUDA compiler")
  if(NOT CMAKE_CUDA_COMPILER)
    unset(CMAKE_CUDA_COMPILER CACHE)
    message(FATAL_ERROR "LACUNA_CUDA needs nvcc, which is neither on PATH nor in /usr/local/cuda/bin; give its place with -DCMAKE_CUDA_COMPILER=...")
  endif()
endif()

# Code for each generation of devices from Turing to Hopper, there (90a) with its own tensor instructions, and an intermediate form
# that later ones translate (of 89: that of 90a would be for Hopper alone).
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES AND "$ENV{CUDAARCHS}" STREQUAL "")
  set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 86-real 89 90a-real CACHE STRING "Devices to compile for; fewer compile faster")
endif()
if(NOT CMAKE_CUDA_ARCHITECTURES MATCHES "90a")
  message(STATUS "CMAKE_CUDA_ARCHITECTURES is without 90a: Hopper's own tensor instructions (wgmma) are left out")
endif()
enable_language(CUDA)
if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "LACUNA_CUDA needs nvcc 12 or newer, which has C++20; ${CMAKE_CUDA_COMPILER} is ${CMAKE_CUDA_COMPILER_VERSION}. Give the place of another with -DCMAKE_CUDA_COMPILER=...")
endif()
find_package(CUDAToolkit REQUIRED)

set(CMAKE_CUDA_STANDARD 20)
set(CMAKE_CUDA_STANDARD_REQUIRED ON)
set(CMAKE_CUDA_EXTENSIONS OFF)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc has C++20 since release 12
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()

# lacuna_cuda_options(TARGET): warnings are errors, lambdas may be device code, and products and sums round one by one on
# either side, so that a functor has the same bits on the CPU and on the device.
function(lacuna_cuda_options target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda;--fmad=false;-Xcompiler=-Wall,-Wextra,-ffp-contract=off>")
  if(LACUNA_WERROR)
    target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:--Werror=all-warnings;-Xcompiler=-Werror>")
  endif()
endfunction()
