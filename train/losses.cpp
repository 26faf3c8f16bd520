#include "train/losses.h"

#include "autograd/grad.h"
#include "ops/activation/activation.h"
#include "ops/arithmetic/arithmetic.h"
#include "ops/broadcast/broadcast.h"
#include "ops/concat/concat.h"
#include "ops/matmul/matmul.h"
#include "ops/pointwise/pointwise.h"
#include "ops/reduce/reduce.h"
#include "ops/window/window.h"
#include "train/ssim.h"

namespace lacuna {
namespace {

void check_alike(const char* op, const Variable& truth, const Variable& generated) {
  check(truth.shape() == generated.shape() && truth.rank() == 4, "[", op,
        "] the pictures must be (N,H,W,C) of one shape, not ", truth.shape(), " and ", generated.shape());
}

void check_mask(const char* op, const Variable& picture, const Variable& mask) {
  check(mask.rank() == 4 && (mask.dim(0) == 1 || mask.dim(0) == picture.dim(0)) && mask.dim(1) == picture.dim(1) &&
            mask.dim(2) == picture.dim(2) && mask.dim(3) == 1,
        "[", op, "] pictures ", picture.shape(), " take a mask (N or 1,H,W,1), not ", mask.shape());
}

/// mean |x(i+1) - x(i)| along one axis.
Variable mean_step(const Variable& x, int axis) {
  const int64_t n = x.dim(axis);
  return mean(abs(slice(x, axis, 1, n - 1) - slice(x, axis, 0, n - 1)));
}

}  // namespace

Tensor corners_of(const std::vector<Box>& boxes) {
  std::vector<int32_t> corners;
  for (const Box& box : boxes) {
    check(box.height == boxes[0].height && box.width == boxes[0].width, "[crop_boxes] boxes of ", boxes[0].height, "x",
          boxes[0].width, " and ", box.height, "x", box.width, " in one batch; all must agree");
    corners.push_back(static_cast<int32_t>(box.top));
    corners.push_back(static_cast<int32_t>(box.left));
  }
  return Tensor::from<int32_t>({static_cast<int64_t>(boxes.size()), 2}, corners);
}

Variable crop_boxes(const Variable& x, const std::vector<Box>& boxes) {
  check(x.rank() == 4 && static_cast<int64_t>(boxes.size()) == x.dim(0) && !boxes.empty(), "[crop_boxes] pictures ",
        x.shape(), " need one box a sample, there are ", boxes.size());
  for (const Box& box : boxes) {
    check(box.top >= 0 && box.left >= 0 && box.top + box.height <= x.dim(1) && box.left + box.width <= x.dim(2),
          "[crop_boxes] rows ", box.top, " to ", box.top + box.height, " and columns ", box.left, " to ",
          box.left + box.width, " are not all within ", x.shape());
  }
  return take_windows(x, corners_of(boxes).to(x.device()), boxes[0].height, boxes[0].width);
}

Variable weighted_l1(const Variable& truth, const Variable& generated, const Variable& weight) {
  check_alike("weighted_l1", truth, generated);
  check_mask("weighted_l1", truth, weight);
  return mean(abs(truth - generated) * weight);
}

Variable known_l1(const Variable& truth, const Variable& generated, const Variable& mask, const Variable& known_share) {
  check_alike("known_l1", truth, generated);
  check_mask("known_l1", truth, mask);
  const Variable known = 1 - mask;
  const Variable share = known_share.defined() ? known_share : mean(known);
  check(known_share.defined() || share.value().item() > 0, "[known_l1] the mask ", mask.shape(),
        " leaves no known pixel");
  return mean(abs(truth - generated) * known) / share;
}

Variable total_variation(const Variable& x) {
  check(x.rank() == 4, "[total_variation] pictures must be (N,H,W,C), not ", x.shape());
  Variable total = Tensor::zeros({}, x.dtype(), x.device());
  for (const int axis : {1, 2}) {
    if (x.dim(axis) > 1) total = total + mean_step(x, axis);
  }
  return total;
}

Variable dissimilarity(const Variable& truth, const Variable& completed) {
  check_alike("dissimilarity", truth, completed);
  return 1 - mean(ssim_map(luma(completed), luma(truth)));
}

namespace {

/// The sum over pairs of features, which are alike in shape.
template <class F>
Variable over_features(const char* who, const Variables& truth, const Variables& completed, F distance) {
  check(truth.size() == completed.size() && !truth.empty(), "[", who, "] ", truth.size(), " and ", completed.size(),
        " features cannot be compared");
  Variable total;
  for (size_t k = 0; k < truth.size(); ++k) {
    check_alike(who, truth[k], completed[k]);
    const Variable part = distance(truth[k], completed[k]);
    total = total.defined() ? total + part : part;
  }
  return total;
}

Variable gram(const Variable& x) {
  const int64_t n = x.dim(0), positions = x.dim(1) * x.dim(2), channels = x.dim(3);
  const Variable f = reshape(x, Shape{n, positions, channels});
  return matmul(f, f, {.transpose_a = true}) / static_cast<double>(positions * channels);
}

}  // namespace

Variable perceptual_loss(const Variables& truth, const Variables& completed) {
  return over_features("perceptual_loss", truth, completed,
                       [](const Variable& a, const Variable& b) { return mean(square(a - b)); });
}

Variable style_loss(const Variables& truth, const Variables& completed) {
  return over_features("style_loss", truth, completed, [](const Variable& a, const Variable& b) {
    return sum(square(gram(a) - gram(b))) / static_cast<double>(a.dim(0));
  });
}

Variable critic_loss(Adversarial game, const Variable& real, const Variable& fake) {
  check(real.shape() == fake.shape(), "[critic_loss] scores ", real.shape(), " and ", fake.shape(), " differ in shape");
  switch (game) {
    case Adversarial::wgan_gp:
      return mean(fake - real);
    case Adversarial::lsgan:
      return 0.5 * (mean(square(real - 1)) + mean(square(fake)));
    case Adversarial::log:
      return 0.5 * (mean(softplus(-real)) + mean(softplus(fake)));
    case Adversarial::hinge:
      return 0.5 * (mean(relu(1 - real)) + mean(relu(1 + fake)));
    case Adversarial::none:
      break;
  }
  fail("[critic_loss] without an adversarial game there is no such loss");
}

Variable generator_loss(Adversarial game, const Variable& fake) {
  switch (game) {
    case Adversarial::wgan_gp:
    case Adversarial::hinge:
      return -mean(fake);
    case Adversarial::lsgan:
      return mean(square(fake - 1));
    case Adversarial::log:
      return mean(softplus(-fake));
    case Adversarial::none:
      break;
  }
  fail("[generator_loss] without an adversarial game there is no such loss");
}

Variable gradient_penalty(const std::function<Variable(const Variable&)>& critic, const Variable& real,
                          const Variable& fake, const Variable& alpha, const Variable& mask) {
  check_alike("gradient_penalty", real, fake);
  check_mask("gradient_penalty", real, mask);
  check(alpha.numel() == real.dim(0), "[gradient_penalty] alpha ", alpha.shape(), " must hold one number for each of ",
        real.dim(0), " samples");
  Variable between = real + reshape(alpha, {real.dim(0), 1, 1, 1}) * (fake - real);
  if (!between.requires_grad()) between = Variable::leaf(between.value());
  const Variable scores = sum(critic(between));
  const Variable gradient = grad(scores, {between}, {.cotangent = {}, .create_graph = true})[0];
  const Variable norm = sqrt(sum(square(gradient) * mask, {1, 2, 3}));
  return mean(square(norm - 1));
}

}  // namespace lacuna
