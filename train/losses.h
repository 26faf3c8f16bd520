#pragma once

#include <functional>
#include <vector>

#include "autograd/variable.h"
#include "train/masks.h"

namespace lacuna {

// The losses of METHOD sections 4, 5 and 7, all scalars written in ops, hence differentiable as often as wished.
// Pictures are (N,H,W,C), masks (N or 1,H,W,1) with 1 in the hole.

/// Weights (1,height,width,1) of the discounted reconstruction loss inside a box, as the released code has them:
/// max(gamma^min(r, height - r), gamma^min(c, width - c)) at row r and column c. gamma in (0, 1].
Tensor discount_mask(int64_t height, int64_t width, double gamma, DType dtype = DType::f32);

/// Weights of mask's shape and type as the paper's text has them: gamma^l with l the Euclidean distance in pixels from
/// a hole pixel to the nearest known one, exact for holes of any shape; 1 at known pixels. A sample without a known
/// pixel has weights 0 (1 if gamma = 1). gamma in (0, 1].
Tensor discount_mask_distance(const Tensor& mask, double gamma);

/// The exact Euclidean distance (f64, mask's shape) from each pixel to the nearest pixel of the same sample where mask
/// <= 0.5; infinite where there is none. Felzenszwalb and Huttenlocher, "Distance Transforms of Sampled Functions",
/// 2012.
Tensor distance_to_known(const Tensor& mask);

/// The boxes' first rows and columns, (N,2) i32, as take_windows has them; they must agree in size.
Tensor corners_of(const std::vector<Box>& boxes);
/// Each sample's own window, (N,h,w,C); the boxes, one per sample, must agree in size and lie within the picture.
Variable crop_boxes(const Variable& x, const std::vector<Box>& boxes);

/// mean(|truth - generated| * weight) over all elements of the pictures; weight (N or 1,H,W,1).
Variable weighted_l1(const Variable& truth, const Variable& generated, const Variable& weight);

/// mean(|truth - generated| * (1 - mask)) / mean(1 - mask): how well the known part is kept. Throws if nothing is
/// known. `known`: mean(1 - mask), or that of the larger batch that these are a part of, a constant scalar that is not
/// 0; undefined: they are all.
Variable known_l1(const Variable& truth, const Variable& generated, const Variable& mask, const Variable& known = {});

/// mean |x(r+1,c) - x(r,c)| + mean |x(r,c+1) - x(r,c)|; an axis of one pixel adds nothing.
Variable total_variation(const Variable& x);

/// 1 - mean SSIM (ssim_map) of the pictures' luma, in [0,2]; pictures (N,H,W,3) in [-1,1].
Variable dissimilarity(const Variable& truth, const Variable& completed);

/// The perceptual loss (Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
/// Super-Resolution", 2016): the sum over features (N,h,w,C) of two batches of pictures of mean (a - b)^2.
Variable perceptual_loss(const Variables& truth, const Variables& completed);
/// The style loss (there, too, after Gatys, Ecker and Bethge, 2016): the sum over features of the mean over the batch
/// of the squared Frobenius norm of G(a) - G(b), with the Gram matrix G(x) = F^T F / (h w C) of the features as F (h w,
/// C).
Variable style_loss(const Variables& truth, const Variables& completed);

/// The games between generator and critics.
enum class Adversarial : uint8_t { none, wgan_gp, lsgan, log, hinge };

/// What a critic minimises, given its scores (N,1) of real and of generated pictures:
///   wgan_gp: mean(fake - real), to which gradient_penalty belongs;   lsgan: (mean((real - 1)^2) + mean(fake^2)) / 2;
///   log: (mean(softplus(-real)) + mean(softplus(fake))) / 2;   hinge: (mean(relu(1 - real)) + mean(relu(1 + fake)))
///   / 2.
Variable critic_loss(Adversarial game, const Variable& real, const Variable& fake);

/// What the generator minimises, given a critic's scores of its pictures:
///   wgan_gp and hinge: -mean(fake);   lsgan: mean((fake - 1)^2);   log: mean(softplus(-fake)).
Variable generator_loss(Adversarial game, const Variable& fake);

/// The masked gradient penalty of WGAN-GP (Gulrajani et al., "Improved Training of Wasserstein GANs", 2017, with the
/// mask of the inpainting paper): at xhat = real + alpha (fake - real), g = d critic(xhat) / d xhat,
///   mean over samples of (sqrt(sum(g^2 * mask)) - 1)^2.
/// alpha: N numbers in [0, 1], shape (N,1). The norm's derivative at zero gradient is 0. critic: pictures to scores
/// (N,1), each sample's score depending on that sample alone.
Variable gradient_penalty(const std::function<Variable(const Variable&)>& critic, const Variable& real,
                          const Variable& fake, const Variable& alpha, const Variable& mask);

}  // namespace lacuna
