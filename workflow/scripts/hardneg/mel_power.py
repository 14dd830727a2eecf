"""Mel power spectra on a CPU, compiled by numba for the processor at hand.

The FFT of one frame leaves much of a vector processor unused, for its first and last passes are over a few numbers
each. Here :data:`LANES` frames are transformed side by side, number by number, so that each pass runs over long rows,
and what follows (squares, mel sums) finds its numbers in the cache. It is compiled once on each machine, in some
seconds, and kept beside this file, or where ``NUMBA_CACHE_DIR`` says.
"""

import numpy as np
from numba import njit
from numba.extending import overload

# Whole vectors of any processor, and few enough to stay in a core's cache.
LANES = 32
# Products may be added without rounding in between; all else is computed as it is written.
OPTIONS = {"fastmath": {"contract"}, "error_model": "numpy"}
Unsigned = np.uintp  # whose places need no test for counting from the end


def kept(function):
    """Compile at the first call and keep the result; where numba may write to no folder, compile in each process."""
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return njit(**OPTIONS)(function)


def has_size(n_fft: int) -> bool:
    """Whether frames of this size can be transformed here: a power of 2, of at least 4."""
    return n_fft >= 4 and n_fft & (n_fft - 1) == 0


class MelPower:
    """Mel power spectra of windows of samples.

    Parameters
    ----------
    hann : the window that a frame is multiplied by, float32, shape (n_fft,); :func:`has_size` holds of its length.
    hop : samples from frame to frame.
    weights : float32, shape (n_fft // 2 + 1, n_mels): of each bin in each band. A bin counts in at most two bands, and
        these are neighbours, as in any bank of triangles that reach from the middle of one neighbour to the other's.

    Raises
    ------
    ValueError
        If a bin counts in other bands.
    """

    def __init__(self, hann: np.ndarray, hop: int, weights: np.ndarray):
        self.hann, self.hop, self.bands = hann, hop, weights.shape[1]
        angles = np.pi * np.arange(len(hann)) / (len(hann) // 2)
        self.roots = np.exp(-1j * angles).astype(np.complex64)
        self.lower = (weights != 0).argmax(axis=1)
        # A power is a quarter of the sum of squares that the transform of two halves gives.
        wide, bins = np.pad(weights / 4, [(0, 0), (0, 1)]), np.arange(len(weights))
        self.in_lower, self.in_upper = wide[bins, self.lower], wide[bins, self.lower + 1]
        if not np.allclose(self.in_lower + self.in_upper, wide.sum(axis=1)):
            raise ValueError("a bin counts in more than two bands, or in two that are not neighbours.")
        self.levels = (0,) * (len(hann).bit_length() - 2)

    def __call__(self, windows: np.ndarray, power: np.ndarray) -> None:
        """Fill float32 `power`, shape (windows, bands, frames), from float32 `windows`, shape (windows, samples)."""
        _fill(
            windows, self.hann, self.hop, self.roots.real.copy(), self.roots.imag.copy(), self.levels,
            self.lower, self.in_lower, self.in_upper, power,
        )  # fmt: skip


@kept
def _fill(windows, hann, hop, cosines, sines, levels, lower, in_lower, in_upper, power):
    """See :class:`MelPower`; the number of `levels` is that of halvings of a transform, known to the compiler."""
    half = len(hann) // 2
    samples, frames = windows.shape[1], power.shape[2]
    padded = np.zeros(samples + 2 * half + LANES * hop, np.float32)
    # Rows of the four are apart, lest they share their cache lines too.
    work = np.empty((4, half * LANES + 48), np.float32)
    sums = np.empty((power.shape[1] + 1) * LANES, np.float32)
    for window in range(len(windows)):
        padded[half : half + samples] = windows[window]
        for first in range(0, frames, LANES):
            _load(padded[first * hop :], hann, Unsigned(hop), work[0], work[1])
            real, imaginary = _transform(levels, levels[:0], work[0], work[1], work[2], work[3], cosines, sines)
            _weigh(real, imaginary, cosines, sines, lower, in_lower, in_upper, sums)
            found = min(LANES, frames - first)
            for band in range(power.shape[1]):
                power[window, band, first : first + found] = sums[band * LANES : band * LANES + found]


@njit(**OPTIONS)
def _load(samples, hann, hop, real, imaginary):
    """Put windowed frames into lanes; numbers of even place are taken for real, of odd place for imaginary parts."""
    for place in range(len(hann) // 2):
        even, odd = hann[2 * place], hann[2 * place + 1]
        row = Unsigned(place * LANES)
        here = samples[2 * place :]
        for lane in range(LANES):
            start = Unsigned(lane) * hop
            real[row + Unsigned(lane)] = even * here[start]
            imaginary[row + Unsigned(lane)] = odd * here[start + Unsigned(1)]


def _transform(left, done, xr, xi, yr, yi, cosines, sines):
    """Fourier transform of complex numbers in lanes, by Stockham's passes of radix 4 and at the end perhaps 2.

    C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7. What `x` holds is lost.

    Parameters
    ----------
    left, done : tuples with one item for each halving to do and done: lengths of tuples are known to the compiler, and
        so are all distances between the numbers of a butterfly, without which it would not vectorise.
    xr, xi : real and imaginary parts, each of shape (size x LANES,).
    yr, yi : room for as many.
    cosines, sines : of the real transform, twice as long.

    Returns
    -------
    Real and imaginary parts of the transform: `x` or `y`.
    """
    raise NotImplementedError("this is for compiled code")


@overload(_transform, jit_options=OPTIONS)
def _pass_of_transform(left, done, xr, xi, yr, yi, cosines, sines):
    size, step = 2 ** len(left), 2 ** len(done)
    run = Unsigned(step * LANES)
    if size == 1:
        return lambda left, done, xr, xi, yr, yi, cosines, sines: (xr, xi)
    if size == 2:

        def last(left, done, xr, xi, yr, yi, cosines, sines):
            for place in range(run):
                a = Unsigned(place)
                b = a + run
                ar, ai, br, bi = xr[a], xi[a], xr[b], xi[b]
                yr[a], yi[a] = ar + br, ai + bi
                yr[b], yi[b] = ar - br, ai - bi
            return yr, yi

        return last
    quarter = Unsigned(size // 4) * run
    butterflies = size // 4

    def one(left, done, xr, xi, yr, yi, cosines, sines):
        for butterfly in range(butterflies):
            turn = 2 * step * butterfly
            cos1, cos2, cos3 = cosines[turn], cosines[2 * turn], cosines[3 * turn]
            sin1, sin2, sin3 = sines[turn], sines[2 * turn], sines[3 * turn]
            begin = Unsigned(butterfly) * run
            for place in range(run):
                a = begin + Unsigned(place)
                b, c, d = a + quarter, a + Unsigned(2) * quarter, a + Unsigned(3) * quarter
                acr, aci, bdr, bdi = xr[a] + xr[c], xi[a] + xi[c], xr[b] + xr[d], xi[b] + xi[d]
                # The difference of a and c, and that of b and d turned by a quarter.
                acr_, aci_, bdr_, bdi_ = xr[a] - xr[c], xi[a] - xi[c], xi[b] - xi[d], xr[d] - xr[b]
                a = Unsigned(4) * begin + Unsigned(place)
                b, c, d = a + run, a + Unsigned(2) * run, a + Unsigned(3) * run
                yr[a], yi[a] = acr + bdr, aci + bdi
                real, imaginary = acr_ + bdr_, aci_ + bdi_
                yr[b], yi[b] = real * cos1 - imaginary * sin1, real * sin1 + imaginary * cos1
                real, imaginary = acr - bdr, aci - bdi
                yr[c], yi[c] = real * cos2 - imaginary * sin2, real * sin2 + imaginary * cos2
                real, imaginary = acr_ - bdr_, aci_ - bdi_
                yr[d], yi[d] = real * cos3 - imaginary * sin3, real * sin3 + imaginary * cos3
        return _transform(left[2:], done + left[:2], yr, yi, xr, xi, cosines, sines)

    return one


@njit(**OPTIONS)
def _weigh(real, imaginary, cosines, sines, lower, in_lower, in_upper, sums):
    """Add up mel sums, shape (bands + 1, LANES), from the transform of the two halves of each frame.

    The halves' spectra are parted by symmetry and put together as in a last pass of radix 2, for a bin and its mirror
    about a quarter of the sample rate at once (W. H. Press et al., Numerical Recipes, section 12.3).
    """
    half = len(lower) - 1
    sums[:] = 0
    powers, mirrored = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
    for bin_ in range(half // 2 + 1):
        mirror = half - bin_
        a, b = Unsigned(bin_ * LANES), Unsigned(mirror % half * LANES)
        cos, sin = cosines[bin_], sines[bin_]
        low, high = in_lower[bin_], in_upper[bin_]
        # The bin in the middle is its own mirror and counts once.
        mirror_low = in_lower[mirror] if mirror > bin_ else np.float32(0)
        mirror_high = in_upper[mirror] if mirror > bin_ else np.float32(0)
        here, there = Unsigned(lower[bin_] * LANES), Unsigned(lower[mirror] * LANES)
        for place in range(LANES):
            lane = Unsigned(place)
            ar, ai, br, bi = real[a + lane], imaginary[a + lane], real[b + lane], imaginary[b + lane]
            even_r, even_i, odd_r, odd_i = ar + br, ai - bi, ai + bi, br - ar
            turned_r, turned_i = odd_r * cos - odd_i * sin, odd_r * sin + odd_i * cos
            plus_r, plus_i = even_r + turned_r, even_i + turned_i
            minus_r, minus_i = even_r - turned_r, even_i - turned_i
            powers[place] = plus_r * plus_r + plus_i * plus_i
            mirrored[place] = minus_r * minus_r + minus_i * minus_i
        for place in range(LANES):
            lane = here + Unsigned(place)
            sums[lane] += low * powers[place]
            sums[lane + Unsigned(LANES)] += high * powers[place]
        for place in range(LANES):
            lane = there + Unsigned(place)
            sums[lane] += mirror_low * mirrored[place]
            sums[lane + Unsigned(LANES)] += mirror_high * mirrored[place]
