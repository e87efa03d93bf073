// z times the share of a normal distribution above z as a table of polynomials.
#include <cmath>

#include "layout.h"

namespace sparsify {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr int kPoints = Tail::kPowers;

double tail_at(double z) { return z / 2 * std::erfc(z / std::sqrt(2.0)); }

// The polynomial through Chebyshev's points of a segment, by Newton's divided differences.
void fit(int segment, double (&powers)[kPoints]) {
  double points[kPoints], differences[kPoints];
  for (int i = 0; i < kPoints; ++i) {
    points[i] = std::cos((2 * i + 1) * kPi / (2 * kPoints)) / 2;
    differences[i] = tail_at((segment + points[i]) / double(Tail::kSegmentsOfOne));
  }
  for (int order = 1; order < kPoints; ++order) {
    for (int i = kPoints - 1; i >= order; --i) {
      differences[i] = (differences[i] - differences[i - 1]) / (points[i] - points[i - order]);
    }
  }
  for (double& power : powers) power = 0;
  for (int i = kPoints - 1; i >= 0; --i) {
    for (int k = kPoints - 1; k > 0; --k) powers[k] = powers[k - 1] - points[i] * powers[k];
    powers[0] = differences[i] - points[i] * powers[0];
  }
}

}  // namespace

Tail::Tail() {
  for (int segment = 0; segment < kSegments; ++segment) {
    double fitted[kPowers];
    fit(segment, fitted);
    for (int k = 0; k < kPowers; ++k) powers[k][segment] = float(fitted[k]);
  }
}

const Tail kTail;

}  // namespace sparsify
