"""Signal processing on a CPU, many signals side by side, compiled by numba for the processor at hand.

The FFT of one signal leaves much of a vector processor unused, for its first and last passes are over a few numbers
each. Here signals are transformed in lanes, number by number, so that each pass runs over long rows, and what follows
finds its numbers in the cache. All is compiled once on each machine, in some seconds, and kept beside this file, or
where ``NUMBA_CACHE_DIR`` says. It is in one module because numba looks at no other to see whether to compile anew.

Tuples stand for numbers, by their length: that of a tuple is known to the compiler.
"""

import numpy as np
from numba import njit
from numba.extending import overload

# Frames, and pairs of blocks, side by side: enough to fill vectors, few enough to stay in a core's cache. In 16 lanes
# long signals have numbers a power of 2 apart, which share the same lines of the cache: 17 take less time.
FRAMES = (0,) * 32
PAIRS = (0,) * 17
# Numbers that arrays of such sizes are apart, for the same reason.
APART = 48
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


def roots(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary parts of ``exp(-2 pi i k / size)`` for k < `size`, float32."""
    angles = 2 * np.pi * np.arange(size) / size
    return np.cos(angles).astype(np.float32), -np.sin(angles).astype(np.float32)


def levels(size: int) -> tuple[int, ...]:
    """One item for each time that `size`, a power of 2, can be halved."""
    return (0,) * (size.bit_length() - 1)


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
        self.roots, self.levels = roots(len(hann)), levels(len(hann) // 2)
        self.lower = (weights != 0).argmax(axis=1)
        # A power is a quarter of the sum of squares that the transform of two halves gives.
        wide, bins = np.pad(weights / 4, [(0, 0), (0, 1)]), np.arange(len(weights))
        self.in_lower, self.in_upper = wide[bins, self.lower], wide[bins, self.lower + 1]
        if not np.allclose(self.in_lower + self.in_upper, wide.sum(axis=1)):
            raise ValueError("a bin counts in more than two bands, or in two that are not neighbours.")

    def __call__(self, windows: np.ndarray, power: np.ndarray) -> None:
        """Fill float32 `power`, shape (windows, bands, frames), from float32 `windows`, shape (windows, samples)."""
        weights = self.lower, self.in_lower, self.in_upper
        _mel_power(windows, self.hann, self.hop, self.levels, FRAMES, *self.roots, *weights, power)


@kept
def _mel_power(windows, hann, hop, levels, frames_at_once, cosines, sines, lower, in_lower, in_upper, power):
    half, lanes = len(hann) // 2, len(frames_at_once)
    samples, bands, frames = windows.shape[1], power.shape[1], power.shape[2]
    padded = np.zeros(samples + 2 * half + lanes * hop, np.float32)
    work = np.empty((4, half * lanes + APART), np.float32)
    sums = np.empty((bands + 1) * lanes, np.float32)
    for window in range(len(windows)):
        padded[half : half + samples] = windows[window]
        for first in range(0, frames, lanes):
            _load_frames(padded[first * hop :], hann, Unsigned(hop), frames_at_once, work[0], work[1])
            real, imaginary, _, _ = _transform(
                levels, levels[:0], frames_at_once, work[0], work[1], work[2], work[3], cosines, sines
            )
            _weigh(real, imaginary, frames_at_once, cosines, sines, lower, in_lower, in_upper, sums)
            found = min(lanes, frames - first)
            for band in range(bands):
                power[window, band, first : first + found] = sums[band * lanes : band * lanes + found]


@njit(**OPTIONS)
def _load_frames(samples, hann, hop, frames_at_once, real, imaginary):
    """Put windowed frames into lanes; numbers of even place are taken for real, of odd place for imaginary parts."""
    lanes = len(frames_at_once)
    for place in range(len(hann) // 2):
        even, odd = hann[2 * place], hann[2 * place + 1]
        row = Unsigned(place * lanes)
        here = samples[2 * place :]
        for lane in range(lanes):
            start = Unsigned(lane) * hop
            real[row + Unsigned(lane)] = even * here[start]
            imaginary[row + Unsigned(lane)] = odd * here[start + Unsigned(1)]


def _transform(left, done, at_once, xr, xi, yr, yi, cosines, sines):
    """Fourier transform of complex numbers in lanes, by Stockham's passes of radix 4 and at the end perhaps 2.

    C. Van Loan, Computational Frameworks for the Fast Fourier Transform, 1992, section 1.7. What `x` holds is lost.

    Parameters
    ----------
    left, done, at_once : tuples, of one item for each halving to do and done, and for each lane. So the compiler knows
        all distances between the numbers of a butterfly, without which it would not vectorise.
    xr, xi : real and imaginary parts, each of shape (size x lanes,).
    yr, yi : room for as many.
    cosines, sines : :func:`roots` of `size`, or of a multiple of it.

    Returns
    -------
    Real and imaginary parts of the transform, which are `x` or `y`, and the other two arrays.
    """
    raise NotImplementedError("this is for compiled code")


@overload(_transform, jit_options=OPTIONS)
def _pass_of_transform(left, done, at_once, xr, xi, yr, yi, cosines, sines):
    size, step = 2 ** len(left), 2 ** len(done)
    run = Unsigned(step * len(at_once))
    if size == 1:
        return lambda left, done, at_once, xr, xi, yr, yi, cosines, sines: (xr, xi, yr, yi)
    if size == 2:

        def last(left, done, at_once, xr, xi, yr, yi, cosines, sines):
            for place in range(run):
                a = Unsigned(place)
                b = a + run
                ar, ai, br, bi = xr[a], xi[a], xr[b], xi[b]
                yr[a], yi[a] = ar + br, ai + bi
                yr[b], yi[b] = ar - br, ai - bi
            return yr, yi, xr, xi

        return last
    quarter = Unsigned(size // 4) * run

    def one(left, done, at_once, xr, xi, yr, yi, cosines, sines):
        for butterfly in range(size // 4):
            turn = len(cosines) // size * butterfly
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
        return _transform(left[2:], done + left[:2], at_once, yr, yi, xr, xi, cosines, sines)

    return one


@njit(**OPTIONS)
def _weigh(real, imaginary, frames_at_once, cosines, sines, lower, in_lower, in_upper, sums):
    """Add up mel sums, shape (bands + 1, lanes), from the transform of the two halves of each frame.

    The halves' spectra are parted by symmetry and put together as in a last pass of radix 2, for a bin and its mirror
    about a quarter of the sample rate at once (W. H. Press et al., Numerical Recipes, section 12.3).
    """
    half, lanes = len(lower) - 1, len(frames_at_once)
    sums[:] = 0
    powers, mirrored = np.empty(lanes, np.float32), np.empty(lanes, np.float32)
    for bin_ in range(half // 2 + 1):
        mirror = half - bin_
        a, b = Unsigned(bin_ * lanes), Unsigned(mirror % half * lanes)
        cos, sin = cosines[bin_], sines[bin_]
        low, high = in_lower[bin_], in_upper[bin_]
        # The bin in the middle is its own mirror and counts once.
        mirror_low = in_lower[mirror] if mirror > bin_ else np.float32(0)
        mirror_high = in_upper[mirror] if mirror > bin_ else np.float32(0)
        here, there = Unsigned(lower[bin_] * lanes), Unsigned(lower[mirror] * lanes)
        for place in range(lanes):
            lane = Unsigned(place)
            ar, ai, br, bi = real[a + lane], imaginary[a + lane], real[b + lane], imaginary[b + lane]
            even_r, even_i, odd_r, odd_i = ar + br, ai - bi, ai + bi, br - ar
            turned_r, turned_i = odd_r * cos - odd_i * sin, odd_r * sin + odd_i * cos
            plus_r, plus_i = even_r + turned_r, even_i + turned_i
            minus_r, minus_i = even_r - turned_r, even_i - turned_i
            powers[place] = plus_r * plus_r + plus_i * plus_i
            mirrored[place] = minus_r * minus_r + minus_i * minus_i
        for place in range(lanes):
            lane = here + Unsigned(place)
            sums[lane] += low * powers[place]
            sums[lane + Unsigned(lanes)] += high * powers[place]
        for place in range(lanes):
            lane = there + Unsigned(place)
            sums[lane] += mirror_low * mirrored[place]
            sums[lane + Unsigned(lanes)] += mirror_high * mirrored[place]


class Halving:
    """Recordings of 16 bit to half of their rate.

    A filter by overlap-save, as in :class:`hardneg.audio.resampling.Resampler`. It is real and even, so two blocks are
    filtered at once, one as the real and one as the imaginary part.

    Parameters
    ----------
    margin : samples that the filter reaches to either side, a multiple of 4.
    response : the filter's, float32, shape (block // 4 + 1,), up to half of the lower rate and scaled for an inverse
        transform of block // 2 numbers; block is a power of 2.
    """

    def __init__(self, margin: int, response: np.ndarray):
        out = 2 * (len(response) - 1)
        self.margin = margin
        scale = np.float32(2.0**-15 / out)
        self.response = np.concatenate([response[:-1], response[:0:-1]]) * scale
        self.levels = levels(2 * out), levels(out)
        self.roots = *roots(2 * out), *roots(out)

    def __call__(self, samples: np.ndarray, length: int) -> np.ndarray:
        """Map int16 `samples`, shape (n,), to float32, shape (`length`,), full scale at 1."""
        given = samples.view()
        given.flags.writeable = False  # whether it was or not: the compiler tells them apart
        return _halve(given, length, self.margin, self.response, *self.levels, PAIRS, *self.roots)


@kept
def _halve(samples, length, margin, response, levels_in, levels_out, pairs, cos_in, sin_in, cos_out, sin_out):
    block, lanes = len(cos_in), len(pairs)
    step = (block - 2 * margin) // 2
    turn = 2 * lanes * step  # samples of the result that are computed at once
    turns = (length + turn - 1) // turn
    padded = np.zeros(2 * turns * turn + 2 * margin, np.int16)
    held = min(len(samples), len(padded) - margin)
    padded[margin : margin + held] = samples[:held]
    fours = padded.view(np.int64)
    work = np.empty((4, block * lanes + APART), np.float32)
    loaded = np.empty(block // 4 * 2 * lanes, np.int64)
    heard = np.empty(turns * turn, np.float32)
    for first in range(0, turns * turn, turn):
        _load_blocks(fours[first // 2 :], step // 2, pairs, loaded, work[0], work[1])
        real, imaginary, xr, xi = _transform(
            levels_in, levels_in[:0], pairs, work[0], work[1], work[2], work[3], cos_in, sin_in
        )
        _filter(real, imaginary, response, block, pairs, xr, xi)
        imaginary, real, _, _ = _transform(levels_out, levels_out[:0], pairs, xr, xi, real, imaginary, cos_out, sin_out)
        for place in range(step):
            row = Unsigned((margin // 2 + place) * lanes)
            here = heard[first + place :]
            for lane in range(lanes):
                here[Unsigned(2 * lane * step)] = real[row + Unsigned(lane)]
                here[Unsigned((2 * lane + 1) * step)] = imaginary[row + Unsigned(lane)]
    return heard[:length]


@njit(**OPTIONS)
def _load_blocks(fours, step, pairs, loaded, real, imaginary):
    """Put blocks into lanes, by turns as real and imaginary parts. Four samples of 16 bit are loaded as one number.

    `fours` are such numbers, and so many of them are from block to block.
    """
    lanes = len(pairs)
    for place in range(len(loaded) // (2 * lanes)):
        row, here = Unsigned(place * 2 * lanes), fours[place:]
        for lane in range(2 * lanes):
            loaded[row + Unsigned(lane)] = here[Unsigned(lane * step)]
    for place in range(len(loaded) // (2 * lanes)):
        row, put = Unsigned(place * 2 * lanes), Unsigned(4 * place * lanes)
        for lane in range(lanes):
            even, odd = loaded[row + Unsigned(2 * lane)], loaded[row + Unsigned(2 * lane + 1)]
            first = put + Unsigned(lane)
            second, third, fourth = first + Unsigned(lanes), first + Unsigned(2 * lanes), first + Unsigned(3 * lanes)
            # Shifted up and down again, a sample has its sign.
            real[first], imaginary[first] = np.int32((even << 48) >> 48), np.int32((odd << 48) >> 48)
            real[second], imaginary[second] = np.int32((even << 32) >> 48), np.int32((odd << 32) >> 48)
            real[third], imaginary[third] = np.int32((even << 16) >> 48), np.int32((odd << 16) >> 48)
            real[fourth], imaginary[fourth] = np.int32(even >> 48), np.int32(odd >> 48)


@njit(**OPTIONS)
def _filter(real, imaginary, response, block, pairs, xr, xi):
    """Weight the bins that the lower rate has. With real and imaginary parts exchanged, a transform is its inverse."""
    lanes, bins = len(pairs), len(response)
    for bin_ in range(bins):
        weight = response[bin_]
        put = Unsigned(bin_ * lanes)
        taken = Unsigned((bin_ if 2 * bin_ < bins else block - bins + bin_) * lanes)
        for lane in range(lanes):
            xr[put + Unsigned(lane)] = weight * imaginary[taken + Unsigned(lane)]
            xi[put + Unsigned(lane)] = weight * real[taken + Unsigned(lane)]
