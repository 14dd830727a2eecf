"""Mel power spectra on a CPU: many frames side by side, compiled by numba for the processor at hand.

No library's FFT is as fast here. The FFT of one frame leaves most of a vector register unused, because its first and
last passes run over a few numbers each. These kernels transform 32 frames at once. Number ``k`` of all 32 frames lies
in one row, so every pass runs over long rows, and the next step finds its numbers in the cache::

              frame 0   frame 1   ...   frame 31
    row 0     x0[0]     x1[0]     ...   x31[0]        one row = one sample (later: one bin) of every frame,
    row 1     x0[1]     x1[1]     ...   x31[1]        32 float32 = 128 bytes = two AVX-512 registers
    ...
    row n-1   x0[n-1]   x1[n-1]   ...   x31[n-1]

A frame of ``n_fft`` real samples is transformed as ``n = n_fft / 2`` complex numbers: even samples are the real parts,
odd samples the imaginary parts. The stages are

1. ``_load_frames``: window the samples and write them in this layout;
2. ``_transform``: complex FFT, radix 4, one pass after the other between two buffers;
3. ``_add_up_bands``: separate the two halves, square, and add each bin to its two mel bands.

In `docs/working/dependencies.md` you find what this gains. ``HARDNEG_USE_LIBRARIES=log_mel`` switches it off.

Compiled code is cached beside this file, or in ``NUMBA_CACHE_DIR``. Compiling takes some seconds, once on each machine.
All kernels are in one module, because numba checks only the module of a function to decide whether to compile it again.

A number that the compiler must know is passed as a tuple of that length, because numba knows the length of a tuple when
it compiles.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt
from numba import njit
from numba.core.caching import FunctionCache
from numba.extending import overload

FloatArray = npt.NDArray[np.float32]
Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# Frames side by side: enough to fill vector registers, few enough to stay in a core's cache.
LANES = (0,) * 32
# Buffers are this many numbers longer than needed, so that they do not share lines of the cache.
PADDING = 48
# A product and a sum may be computed without rounding in between. Everything else is computed as written.
OPTIONS: Any = {"fastmath": {"contract"}, "error_model": "numpy"}
Unsigned = np.uintp  # an index of this type needs no check for counting from the end


class ForgivingCache(FunctionCache):
    """A cache on disk that compiles again, without keeping the result, where numba's own would stop.

    The files of the cache may be empty or truncated, and their folder may have become unwritable or full.
    """

    def load_overload(self, signature: Any, target: Any) -> Any:
        """Return the compiled code; None if it is not there or damaged."""
        try:
            return super().load_overload(signature, target)
        except Exception:  # what unpickling a damaged file raises
            with suppress(OSError):
                self.flush()  # numba could not add to a damaged index
            return None

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keep the compiled code if that is possible."""
        with suppress(Exception):
            super().save_overload(signature, data)


def compile_and_cache(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Compile at the first call and cache the result on disk; compile in each process if that is not possible."""
    compiled: Any = njit(**OPTIONS)(function)
    with suppress(RuntimeError, OSError):  # no folder is writable
        compiled._cache = ForgivingCache(function)  # as in numba's own enable_caching
    kernel: Callable[Parameters, Result] = compiled
    return kernel


def supports_frame_size(n_fft: int) -> bool:
    """Check whether frames of this size can be transformed here: a power of 2, at least 4."""
    return n_fft >= 4 and n_fft & (n_fft - 1) == 0


def compute_roots_of_unity(size: int) -> tuple[FloatArray, FloatArray]:
    """Compute the real and imaginary parts of ``exp(-2 pi i k / size)`` for k < `size`, float32."""
    angles = 2 * np.pi * np.arange(size) / size
    return np.cos(angles).astype(np.float32), -np.sin(angles).astype(np.float32)


def make_halvings(size: int) -> tuple[int, ...]:
    """Make a tuple with one item for each time that `size`, a power of 2, can be halved."""
    return (0,) * (size.bit_length() - 1)


class MelPower:
    """Mel power spectra of windows of samples.

    Parameters
    ----------
    hann : the window that multiplies each frame, float32, shape (n_fft,); :func:`supports_frame_size` must hold.
    hop : samples from one frame to the next.
    weights : the weight of each bin in each band, float32, shape (n_fft // 2 + 1, n_mels). A bin may count in at most
        two bands, which must be neighbors. Any mel filter bank of triangles is like that.

    Raises
    ------
    ValueError
        If a bin counts in more than two bands, or in two that are not neighbors.
    """

    def __init__(self, hann: FloatArray, hop: int, weights: FloatArray):
        self.hann, self.hop, self.bands = hann, hop, weights.shape[1]
        self.roots = compute_roots_of_unity(len(hann))
        self.halvings = make_halvings(len(hann) // 2)
        self.lower = (weights != 0).argmax(axis=1)
        # Separating the two halves of a transform gives twice each amplitude, and so four times each power.
        padded, bins = np.pad(weights / 4, [(0, 0), (0, 1)]), np.arange(len(weights))
        self.weight_in_lower, self.weight_in_upper = padded[bins, self.lower], padded[bins, self.lower + 1]
        if not np.allclose(self.weight_in_lower + self.weight_in_upper, padded.sum(axis=1)):
            raise ValueError("a bin counts in more than two bands, or in two that are not neighbors.")

    def __call__(self, windows: FloatArray, power: FloatArray) -> None:
        """Fill float32 `power`, shape (windows, bands, frames), from float32 `windows`, shape (windows, samples)."""
        weights = self.lower, self.weight_in_lower, self.weight_in_upper
        _fill_mel_power(windows, self.hann, self.hop, self.halvings, LANES, *self.roots, *weights, power)


@compile_and_cache
def _fill_mel_power(
    windows,  # (windows, samples)
    hann,  # (n_fft,)
    hop,
    halvings,
    lanes,
    cosines,  # (n_fft,)
    sines,  # (n_fft,)
    lower,  # (n_fft // 2 + 1,): the lower band that each bin counts in
    weight_in_lower,  # (n_fft // 2 + 1,)
    weight_in_upper,  # (n_fft // 2 + 1,)
    power,  # (windows, bands, frames), filled
):
    half, lane_count = len(hann) // 2, len(lanes)
    samples, bands, frames = windows.shape[1], power.shape[1], power.shape[2]
    padded = np.zeros(samples + 2 * half + lane_count * hop, np.float32)
    buffers = np.empty((4, half * lane_count + PADDING), np.float32)
    sums = np.empty((bands + 1) * lane_count, np.float32)
    for window in range(len(windows)):
        padded[half : half + samples] = windows[window]
        for first in range(0, frames, lane_count):
            _load_frames(padded[first * hop :], hann, Unsigned(hop), lanes, buffers[0], buffers[1])
            real, imaginary, _, _ = _transform(
                halvings, halvings[:0], lanes, buffers[0], buffers[1], buffers[2], buffers[3], cosines, sines
            )
            _add_up_bands(real, imaginary, lanes, cosines, sines, lower, weight_in_lower, weight_in_upper, sums)
            used = min(lane_count, frames - first)
            for band in range(bands):
                power[window, band, first : first + used] = sums[band * lane_count : band * lane_count + used]


@njit(**OPTIONS)
def _load_frames(
    samples,  # from the first sample of the first frame on
    hann,  # (n_fft,)
    hop,
    lanes,
    real,  # (n_fft // 2 rows x lanes), filled with windowed even samples
    imaginary,  # (n_fft // 2 rows x lanes), filled with windowed odd samples
):
    lane_count = len(lanes)
    for pair in range(len(hann) // 2):
        even, odd = hann[2 * pair], hann[2 * pair + 1]
        row = Unsigned(pair * lane_count)
        from_here = samples[2 * pair :]
        for lane in range(lane_count):
            start = Unsigned(lane) * hop
            real[row + Unsigned(lane)] = even * from_here[start]
            imaginary[row + Unsigned(lane)] = odd * from_here[start + Unsigned(1)]


def _transform(to_do, done, lanes, xr, xi, yr, yi, cosines, sines):
    """Fourier transform of complex numbers in lanes, by Stockham's passes of radix 4, and of radix 2 at the end.

    C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7. The contents of `x` are
    overwritten.

    Parameters
    ----------
    to_do, done, lanes : tuples with one item for each halving to do, for each halving done, and for each lane. The
        compiler then knows all distances between the numbers of a butterfly. Otherwise it would not vectorize.
    xr, xi : real and imaginary parts, each (size rows x lanes).
    yr, yi : second buffers of the same shape.
    cosines, sines : :func:`compute_roots_of_unity` of `size` or of a multiple of it.

    Returns
    -------
    Real and imaginary parts of the transform, in `x` or `y`, and the other two buffers.
    """
    raise NotImplementedError("this is for compiled code")


@overload(_transform, jit_options=OPTIONS)
def _compile_pass(to_do, done, lanes, xr, xi, yr, yi, cosines, sines):
    size, step = 2 ** len(to_do), 2 ** len(done)
    run = Unsigned(step * len(lanes))
    if size == 1:
        return lambda to_do, done, lanes, xr, xi, yr, yi, cosines, sines: (xr, xi, yr, yi)
    if size == 2:

        def radix_2(to_do, done, lanes, xr, xi, yr, yi, cosines, sines):
            for position in range(run):
                a = Unsigned(position)
                b = a + run
                ar, ai, br, bi = xr[a], xi[a], xr[b], xi[b]
                yr[a], yi[a] = ar + br, ai + bi
                yr[b], yi[b] = ar - br, ai - bi
            return yr, yi, xr, xi

        return radix_2
    quarter = Unsigned(size // 4) * run

    def radix_4(to_do, done, lanes, xr, xi, yr, yi, cosines, sines):
        for butterfly in range(size // 4):
            turn = len(cosines) // size * butterfly
            cos1, cos2, cos3 = cosines[turn], cosines[2 * turn], cosines[3 * turn]
            sin1, sin2, sin3 = sines[turn], sines[2 * turn], sines[3 * turn]
            begin = Unsigned(butterfly) * run
            for position in range(run):
                a = begin + Unsigned(position)
                b, c, d = a + quarter, a + Unsigned(2) * quarter, a + Unsigned(3) * quarter
                acr, aci, bdr, bdi = xr[a] + xr[c], xi[a] + xi[c], xr[b] + xr[d], xi[b] + xi[d]
                # The difference of a and c, and the difference of b and d rotated by a quarter turn.
                acr_, aci_, bdr_, bdi_ = xr[a] - xr[c], xi[a] - xi[c], xi[b] - xi[d], xr[d] - xr[b]
                a = Unsigned(4) * begin + Unsigned(position)
                b, c, d = a + run, a + Unsigned(2) * run, a + Unsigned(3) * run
                yr[a], yi[a] = acr + bdr, aci + bdi
                real, imaginary = acr_ + bdr_, aci_ + bdi_
                yr[b], yi[b] = real * cos1 - imaginary * sin1, real * sin1 + imaginary * cos1
                real, imaginary = acr - bdr, aci - bdi
                yr[c], yi[c] = real * cos2 - imaginary * sin2, real * sin2 + imaginary * cos2
                real, imaginary = acr_ - bdr_, aci_ - bdi_
                yr[d], yi[d] = real * cos3 - imaginary * sin3, real * sin3 + imaginary * cos3
        return _transform(to_do[2:], done + to_do[:2], lanes, yr, yi, xr, xi, cosines, sines)

    return radix_4


@njit(**OPTIONS)
def _add_up_bands(
    real,  # (n_fft // 2 rows x lanes), the transform
    imaginary,  # (n_fft // 2 rows x lanes)
    lanes,
    cosines,  # (n_fft,)
    sines,  # (n_fft,)
    lower,  # (n_fft // 2 + 1,)
    weight_in_lower,  # (n_fft // 2 + 1,)
    weight_in_upper,  # (n_fft // 2 + 1,)
    sums,  # (bands + 1 rows x lanes), filled
):
    """Add up mel bands from the transform of the even and odd samples of each frame.

    Symmetry separates the spectra of the two halves; a last pass of radix 2 combines them. Each step computes a bin and
    its mirror image about a quarter of the sample rate (W. H. Press et al., Numerical Recipes, section 12.3).
    """
    half, lane_count = len(lower) - 1, len(lanes)
    sums[:] = 0
    powers, mirrored_powers = np.empty(lane_count, np.float32), np.empty(lane_count, np.float32)
    for bin_ in range(half // 2 + 1):
        mirror = half - bin_
        a, b = Unsigned(bin_ * lane_count), Unsigned(mirror % half * lane_count)
        cos, sin = cosines[bin_], sines[bin_]
        low, high = weight_in_lower[bin_], weight_in_upper[bin_]
        # The middle bin is its own mirror image and counts once.
        mirror_low = weight_in_lower[mirror] if mirror > bin_ else np.float32(0)
        mirror_high = weight_in_upper[mirror] if mirror > bin_ else np.float32(0)
        band, mirror_band = Unsigned(lower[bin_] * lane_count), Unsigned(lower[mirror] * lane_count)
        for position in range(lane_count):
            lane = Unsigned(position)
            ar, ai, br, bi = real[a + lane], imaginary[a + lane], real[b + lane], imaginary[b + lane]
            even_r, even_i, odd_r, odd_i = ar + br, ai - bi, ai + bi, br - ar
            turned_r, turned_i = odd_r * cos - odd_i * sin, odd_r * sin + odd_i * cos
            plus_r, plus_i = even_r + turned_r, even_i + turned_i
            minus_r, minus_i = even_r - turned_r, even_i - turned_i
            powers[position] = plus_r * plus_r + plus_i * plus_i
            mirrored_powers[position] = minus_r * minus_r + minus_i * minus_i
        for position in range(lane_count):
            lane = band + Unsigned(position)
            sums[lane] += low * powers[position]
            sums[lane + Unsigned(lane_count)] += high * powers[position]
        for position in range(lane_count):
            lane = mirror_band + Unsigned(position)
            sums[lane] += mirror_low * mirrored_powers[position]
            sums[lane + Unsigned(lane_count)] += mirror_high * mirrored_powers[position]
