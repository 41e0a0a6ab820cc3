//! The stored form of a vector, and how many bits a component has in it.
//!
//! ```text
//! row        f32, little-endian
//! segment    IEEE 754 binary16, little-endian, where that is the same numbers;
//!            29 bits a component, where they are of similar size; else as in a row
//! ```
//!
//! **Invariant:** a vector that was stored reads back bit for bit, whatever its form. A space of
//! [`Precision::F16`] rounds what comes to it, and so has nothing else.

mod packed;

use std::borrow::Cow;

const F32_LEN: usize = size_of::<f32>();
const F16_LEN: usize = size_of::<u16>();
/// The largest finite binary16.
const MAX_F16: f32 = 65_504.0;

/// How precise the components of the vectors of a space are.
///
/// ```
/// use memlith::{NewMemory, Precision, Space};
/// # let db = memlith::Options::new().in_memory()?;
/// db.create_space(&Space::new("default", 3).precision(Precision::F16))?;
/// let id = db.remember(NewMemory::new("tea").vector([0.1, 0.25, -3.0]))?;
/// let kept = db.read()?.vector(id, "default")?;
/// assert_eq!(kept, Some(vec![0.099_975_586, 0.25, -3.0]));
/// # Ok::<(), memlith::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Precision {
    /// As they are given: 24 significant bits.
    #[default]
    F32,
    /// Rounded to IEEE 754 binary16 when they are given: 11 significant bits, 65,504 at most. Half the
    /// bytes in the file; scores are exact ones of the rounded vectors.
    F16,
}

impl Precision {
    /// Its name: `f32` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }

    /// The one of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        [Precision::F32, Precision::F16].into_iter().find(|p| p.name() == name)
    }

    /// Rounds components to the nearest that it can say, ties to even. `false` if there is none for
    /// one of them, which is too large.
    pub(crate) fn round(self, vector: &mut [f32]) -> bool {
        if self == Precision::F32 {
            return true;
        }
        for x in &mut *vector {
            *x = from_f16(to_f16(*x));
        }
        vector.iter().all(|x| x.abs() <= MAX_F16)
    }
}

/// How a segment stores vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As rows have them.
    F32,
    /// As binary16.
    F16,
    /// With exponents beside that of the greatest component: see [`packed`].
    Packed,
}

impl Form {
    /// The number by which rows and headers say it.
    pub(crate) fn code(self) -> u8 {
        match self {
            Form::F32 => 0,
            Form::F16 => 1,
            Form::Packed => 2,
        }
    }

    /// The one of a [code](Self::code).
    pub(crate) fn of_code(code: u8) -> Option<Self> {
        [Form::F32, Form::F16, Form::Packed].into_iter().find(|form| form.code() == code)
    }

    /// Its name, for whoever reads an error.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Form::F32 => "f32",
            Form::F16 => "f16",
            Form::Packed => "packed f32",
        }
    }

    /// Bytes of a vector.
    pub(crate) fn vector_len(self, dimension: usize) -> usize {
        match self {
            Form::F32 => dimension * F32_LEN,
            Form::F16 => dimension * F16_LEN,
            Form::Packed => packed::len(dimension),
        }
    }

    /// Can it say the components of a row exactly?
    pub(crate) fn is_exact_for(self, row: &[u8]) -> bool {
        match self {
            Form::F32 => true,
            Form::F16 => components(row).all(|x| from_f16(to_f16(x)).to_bits() == x.to_bits()),
            Form::Packed => packed::is_exact_for(row),
        }
    }

    /// Appends what a segment has of a row for which it is exact.
    pub(crate) fn pack(self, row: &[u8], out: &mut Vec<u8>) {
        match self {
            Form::F32 => out.extend_from_slice(row),
            Form::F16 => out.extend(components(row).flat_map(|x| to_f16(x).to_le_bytes())),
            Form::Packed => packed::pack(row, out),
        }
    }

    /// The row of what a segment has; `None` if it is not of this dimension.
    pub(crate) fn unpack(self, packed: &[u8], dimension: usize) -> Option<Cow<'_, [u8]>> {
        if self == Form::F32 {
            return (packed.len() == self.vector_len(dimension)).then_some(Cow::Borrowed(packed));
        }
        let mut vector = vec![0.0; dimension];
        self.read(packed, &mut vector)?;
        Some(vector_bytes(&vector).into())
    }

    /// Reads what a segment has into a slice of its dimension; `None` if it is of another.
    pub(crate) fn read(self, packed: &[u8], out: &mut [f32]) -> Option<()> {
        if packed.len() != self.vector_len(out.len()) {
            return None;
        }
        match self {
            Form::F32 => out.iter_mut().zip(components(packed)).for_each(|(to, x)| *to = x),
            Form::F16 => {
                out.iter_mut().zip(halves(packed)).for_each(|(to, x)| *to = from_f16(x));
            }
            Form::Packed => packed::read(packed, out)?,
        }
        Some(())
    }
}

/// Finds the shortest form that is exact for some rows.
pub(crate) struct Shortest {
    /// Those that are, as far as they were seen, the shortest first.
    forms: Vec<Form>,
}

impl Shortest {
    pub(crate) fn new() -> Self {
        Shortest { forms: vec![Form::F16, Form::Packed, Form::F32] }
    }

    /// Looks at a row. Is there still anything to be found?
    pub(crate) fn see(&mut self, row: &[u8]) -> bool {
        self.forms.retain(|form| form.is_exact_for(row));
        self.forms.len() > 1
    }

    pub(crate) fn form(&self) -> Form {
        self.forms.first().copied().unwrap_or(Form::F32)
    }
}

/// The row of a vector.
pub(crate) fn vector_bytes(vector: &[f32]) -> Vec<u8> {
    vector.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Reads a row into a slice of its dimension; `None` if it is of another.
pub(crate) fn read_vector(row: &[u8], out: &mut [f32]) -> Option<()> {
    Form::F32.read(row, out)
}

fn components(row: &[u8]) -> impl Iterator<Item = f32> {
    row.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

fn halves(packed: &[u8]) -> impl Iterator<Item = u16> {
    packed.as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes))
}

/// The number that binary16 bits say, if it is finite. A shift and a product, which compilers turn
/// into vector instructions: exponents are 112 apart, and the product is exact, of subnormals too.
fn from_f16(bits: u16) -> f32 {
    const SCALE: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = f32::from_bits(u32::from(bits & 0x7fff) << 13) * SCALE;
    f32::from_bits(magnitude.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// The binary16 bits nearest to a finite number, ties to even; those of infinity from 65,520 on.
fn to_f16(x: f32) -> u16 {
    const INFINITY: u32 = 0x7c00;
    /// From here on binary16 has only infinity: 2^16.
    const BEYOND: u32 = (127 + 16) << 23;
    /// Below this it is subnormal: 2^-14.
    const NORMAL: u32 = (127 - 14) << 23;
    /// The last bit of an f32 of this size is that of a subnormal binary16: 2^-1.
    const ALIGN: u32 = (127 - 1) << 23;
    let (sign, magnitude) = (x.to_bits() >> 16 & 0x8000, x.to_bits() & 0x7fff_ffff);
    let bits = if magnitude >= BEYOND {
        INFINITY
    } else if magnitude < NORMAL {
        // The sum rounds where it must.
        (f32::from_bits(magnitude) + f32::from_bits(ALIGN)).to_bits() - ALIGN
    } else {
        // Half a unit, or just less where the last bit that stays is even; then the other exponent.
        let half = 0xfff + (magnitude >> 13 & 1);
        (magnitude + half - ((127 - 15) << 23)) >> 13
    };
    (bits | sign) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use proptest::prelude::*;

    #[test]
    fn every_finite_half_reads_as_it_should_and_packs_again() {
        for bits in 0..=u16::MAX {
            let half = f16::from_bits(bits);
            if half.is_finite() {
                assert_eq!(from_f16(bits).to_bits(), half.to_f32().to_bits(), "{bits:#x}");
                assert_eq!(to_f16(half.to_f32()), bits);
            }
        }
    }

    #[test]
    fn rounding_is_to_the_nearest_and_ties_are_to_even() {
        for bits in 0..0x7c00_u16 {
            let (low, high) = (f16::from_bits(bits).to_f32(), f16::from_bits(bits + 1).to_f32());
            let middle = f32::midpoint(low, high.min(65_536.0));
            for x in [low, middle.next_down(), middle, middle.next_up(), -middle] {
                assert_eq!(to_f16(x), f16::from_f32(x).to_bits(), "{x:e}");
            }
        }
        for bits in (0..0x7f80_0000_u32).step_by(9_973) {
            let x = f32::from_bits(bits);
            assert_eq!(to_f16(x), f16::from_f32(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn a_precision_rounds_to_what_it_can_say() {
        let mut rounded = [0.1, -7e-6, 65_519.0];
        assert!(!Form::F16.is_exact_for(&vector_bytes(&rounded)));
        assert!(Precision::F16.round(&mut rounded) && !Precision::F16.round(&mut [-65_520.0]));
        assert!(Form::F16.is_exact_for(&vector_bytes(&rounded)));
        for precision in [Precision::F32, Precision::F16] {
            assert_eq!(Precision::from_name(precision.name()), Some(precision));
        }
    }

    #[test]
    fn the_shortest_form_is_that_which_is_exact_for_all() {
        let shortest = |vectors: &[&[f32]]| {
            let mut shortest = Shortest::new();
            for vector in vectors {
                shortest.see(&vector_bytes(vector));
            }
            shortest.form()
        };
        assert_eq!(shortest(&[&[0.5, -0.0, 65_504.0], &[0.0, 1.0]]), Form::F16);
        assert_eq!(shortest(&[&[0.5], &[0.1]]), Form::Packed);
        assert_eq!(shortest(&[&[0.1, 0.1 / (1_u32 << 30) as f32, -0.0]]), Form::Packed);
        assert_eq!(shortest(&[&[0.1, 0.1 / (1_u32 << 31) as f32]]), Form::F32);
        assert_eq!(shortest(&[&[0.1], &[f32::MAX, f32::from_bits(1)]]), Form::F32);
    }

    proptest! {
        #[test]
        fn what_a_form_is_exact_for_comes_back(
            bits in prop::collection::vec((0..1_u32 << 24, 0..31_u32, 0..9_u32), 1..70),
            lowest in 0..224_u32,
            is_narrow in any::<bool>(),
        ) {
            let component = |&(bits, above, kind): &(u32, u32, u32)| {
                let sign = bits >> 23 << 31;
                let x = f32::from_bits(sign | if kind == 0 { 0 } else { (lowest + above) << 23 | bits & 0x7f_ffff });
                if is_narrow { from_f16(to_f16(x.clamp(-1.0, 1.0))) } else { x }
            };
            let vector: Vec<f32> = bits.iter().map(component).collect();
            let row = vector_bytes(&vector);
            prop_assert!(Form::F16.is_exact_for(&row) || !is_narrow);
            prop_assert!(Form::Packed.is_exact_for(&row) || is_narrow);
            for form in [Form::F32, Form::F16, Form::Packed] {
                prop_assert_eq!(Form::of_code(form.code()), Some(form));
                if !form.is_exact_for(&row) {
                    continue;
                }
                let (mut packed, mut out) = (vec![7], vec![0.0; vector.len()]);
                form.pack(&row, &mut packed);
                let packed = &packed[1..];
                prop_assert_eq!(packed.len(), form.vector_len(vector.len()));
                let unpacked = form.unpack(packed, vector.len()).map(Cow::into_owned);
                prop_assert_eq!(unpacked.as_ref(), Some(&row));
                form.read(packed, &mut out).unwrap();
                prop_assert_eq!(vector_bytes(&out), row.clone());
                prop_assert_eq!(form.read(packed, &mut vec![0.0; vector.len() + 1]), None);
                prop_assert!(form.unpack(packed, vector.len() + 1).is_none());
            }
        }
    }
}
