//! Reading matrices in the `.npy` format of `numpy`, row by row.
//!
//! **Invariant:** nothing is allocated from a number in the file before it is bounded: a header
//! has at most [`MAX_HEADER_BYTES`], a row at most [`MAX_DIMENSIONS`] values. A file whose length
//! does not fit its header is refused before the first row. Used by `commands`.
//!
//! Read are versions 1 to 3 of the format, little-endian `float16`, `float32` and `float64` in C
//! order: what `numpy.save` writes for an embedding matrix.

use half::slice::HalfFloatSliceExt;
use memlith::MAX_DIMENSIONS;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// Longest header read. `numpy` itself refuses more than 10,000 bytes.
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Why a file is not a matrix that can be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NpyError {
    #[error("not a .npy file")]
    Magic,
    #[error("version {0}.{1} of the .npy format is not known")]
    Version(u8, u8),
    #[error("the header of {0} bytes is longer than {MAX_HEADER_BYTES}")]
    LongHeader(u32),
    #[error("the header does not read as descr, fortran_order and shape near byte {0}")]
    Header(usize),
    #[error("values of type {0:?} cannot be read; save it as float16 or float32, little-endian")]
    Type(String),
    #[error("it is stored column by column; save numpy.ascontiguousarray(…) of it")]
    FortranOrder,
    #[error("its shape {0:?} is neither a matrix nor one vector")]
    Shape(Vec<u64>),
    #[error("its vectors have {0} dimensions; 1 to {MAX_DIMENSIONS} are possible")]
    Dimensions(u64),
    #[error("its {rows} rows of {row_bytes} bytes do not fit its {found} bytes of values")]
    Length { rows: u64, row_bytes: u64, found: u64 },
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    F16,
    F32,
    F64,
}

impl Scalar {
    fn len_bytes(self) -> usize {
        match self {
            Scalar::F16 => 2,
            Scalar::F32 => 4,
            Scalar::F64 => 8,
        }
    }
}

/// The rows of a matrix, from the first to the last.
pub(crate) struct Rows<R> {
    source: R,
    scalar: Scalar,
    dimensions: usize,
    count: u64,
    next: u64,
    /// The bytes of one row, used again for each.
    bytes: Vec<u8>,
    halves: Vec<half::f16>,
}

/// A matrix of whatever source.
pub(crate) type Matrix = Rows<Box<dyn Read>>;

impl Matrix {
    /// Opens a matrix and checks that its length is what its header says.
    pub(crate) fn open(path: &Path) -> Result<Self, NpyError> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let (rows, begin) = Matrix::begin(Box::new(BufReader::with_capacity(1 << 20, file)))?;
        // A pipe has no length; what is missing of it shows when it ends.
        if metadata.is_file() {
            rows.check_length(metadata.len().saturating_sub(begin))?;
        }
        Ok(rows)
    }

    /// As [`open`](Self::open), of the bytes of a file.
    pub(crate) fn of(bytes: Vec<u8>) -> Result<Self, NpyError> {
        let len = bytes.len() as u64;
        let (rows, begin) = Matrix::begin(Box::new(Cursor::new(bytes)))?;
        rows.check_length(len.saturating_sub(begin))?;
        Ok(rows)
    }
}

impl<R: Read> Rows<R> {
    /// Reads the header, and says where the first row begins.
    fn begin(mut source: R) -> Result<(Self, u64), NpyError> {
        let mut fixed = [0; 8];
        source.read_exact(&mut fixed).map_err(eof_is(NpyError::Magic))?;
        if fixed[..6] != *MAGIC {
            return Err(NpyError::Magic);
        }
        let (header_len, before) = match (fixed[6], fixed[7]) {
            (1, 0) => {
                let mut len = [0; 2];
                source.read_exact(&mut len)?;
                (u32::from(u16::from_le_bytes(len)), 10)
            }
            (2 | 3, 0) => {
                let mut len = [0; 4];
                source.read_exact(&mut len)?;
                (u32::from_le_bytes(len), 12)
            }
            (major, minor) => return Err(NpyError::Version(major, minor)),
        };
        if header_len as usize > MAX_HEADER_BYTES {
            return Err(NpyError::LongHeader(header_len));
        }
        let mut header = vec![0; header_len as usize];
        source.read_exact(&mut header).map_err(eof_is(NpyError::Header(0)))?;
        let rows = Rows::from_header(source, Header::parse(&header)?)?;
        Ok((rows, before + u64::from(header_len)))
    }

    fn from_header(source: R, header: Header) -> Result<Self, NpyError> {
        let scalar = match header.descr.as_str() {
            "<f2" => Scalar::F16,
            "<f4" => Scalar::F32,
            "<f8" => Scalar::F64,
            _ => return Err(NpyError::Type(header.descr)),
        };
        let (count, dimensions) = match header.shape[..] {
            [dimensions] => (1, dimensions),
            [count, dimensions] => (count, dimensions),
            _ => return Err(NpyError::Shape(header.shape)),
        };
        // Column by column and row by row are the same for a single one of either.
        if header.fortran_order && count > 1 && dimensions > 1 {
            return Err(NpyError::FortranOrder);
        }
        if !(1..=MAX_DIMENSIONS as u64).contains(&dimensions) {
            return Err(NpyError::Dimensions(dimensions));
        }
        let dimensions = dimensions as usize;
        let bytes = vec![0; dimensions * scalar.len_bytes()];
        Ok(Rows { source, scalar, dimensions, count, next: 0, bytes, halves: Vec::new() })
    }

    fn check_length(&self, found: u64) -> Result<(), NpyError> {
        let row_bytes = self.bytes.len() as u64;
        if self.count.checked_mul(row_bytes) == Some(found) {
            Ok(())
        } else {
            Err(NpyError::Length { rows: self.count, row_bytes, found })
        }
    }

    /// Values of a row.
    pub(crate) fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Rows there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The next row; `None` behind the last.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<Vec<f32>>> {
        if self.next == self.count {
            return Ok(None);
        }
        self.source.read_exact(&mut self.bytes)?;
        self.next += 1;
        Ok(Some(self.decode()))
    }

    fn decode(&mut self) -> Vec<f32> {
        let (pairs, _) = self.bytes.as_chunks::<2>();
        let (quads, _) = self.bytes.as_chunks::<4>();
        let (octets, _) = self.bytes.as_chunks::<8>();
        match self.scalar {
            Scalar::F16 => {
                self.halves.clear();
                self.halves.extend(pairs.iter().map(|b| half::f16::from_le_bytes(*b)));
                let mut row = vec![0.0; self.dimensions];
                self.halves.convert_to_f32_slice(&mut row);
                row
            }
            Scalar::F32 => quads.iter().map(|b| f32::from_le_bytes(*b)).collect(),
            Scalar::F64 => octets.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        }
    }
}

fn eof_is(short: NpyError) -> impl FnOnce(io::Error) -> NpyError {
    |e| if e.kind() == io::ErrorKind::UnexpectedEof { short } else { NpyError::Io(e) }
}

/// What a header says.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl Header {
    /// Reads the Python dictionary literal of a header: these three keys in any order.
    fn parse(bytes: &[u8]) -> Result<Header, NpyError> {
        let mut at = Scanner { bytes, at: 0 };
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        at.expect(b'{')?;
        while !at.accept(b'}') {
            let key = at.string()?;
            at.expect(b':')?;
            match key.as_str() {
                // A structured type is a list: named in the error as it stands.
                "descr" if at.peek() == Some(b'[') => return Err(NpyError::Type("[…]".into())),
                "descr" => descr = Some(at.string()?),
                "fortran_order" => fortran_order = Some(at.boolean()?),
                "shape" => shape = Some(at.tuple()?),
                _ => return Err(NpyError::Header(at.at)),
            }
            if !at.accept(b',') && at.peek() != Some(b'}') {
                return Err(NpyError::Header(at.at));
            }
        }
        match (descr, fortran_order, shape, at.peek()) {
            (Some(descr), Some(fortran_order), Some(shape), None) => {
                Ok(Header { descr, fortran_order, shape })
            }
            _ => Err(NpyError::Header(at.at)),
        }
    }
}

/// A cursor over the few forms of Python literal that a header is made of.
struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    /// The next byte that is not white space.
    fn peek(&mut self) -> Option<u8> {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.bytes.get(self.at).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), NpyError> {
        if self.accept(byte) { Ok(()) } else { Err(NpyError::Header(self.at)) }
    }

    fn take_while(&mut self, accept: impl Fn(u8) -> bool) -> &str {
        let from = self.at;
        while self.bytes.get(self.at).is_some_and(|b| accept(*b)) {
            self.at += 1;
        }
        // Not UTF-8 is as good as empty: no key and no type is.
        std::str::from_utf8(&self.bytes[from..self.at]).unwrap_or_default()
    }

    fn string(&mut self) -> Result<String, NpyError> {
        let quote = self.peek().filter(|b| matches!(b, b'\'' | b'"'));
        let quote = quote.ok_or(NpyError::Header(self.at))?;
        self.at += 1;
        let text = self.take_while(|b| b != quote && b != b'\\').to_owned();
        self.expect(quote)?;
        Ok(text)
    }

    fn boolean(&mut self) -> Result<bool, NpyError> {
        self.peek();
        match self.take_while(|b| b.is_ascii_alphabetic()) {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => Err(NpyError::Header(self.at)),
        }
    }

    fn tuple(&mut self) -> Result<Vec<u64>, NpyError> {
        let mut items = Vec::new();
        self.expect(b'(')?;
        while !self.accept(b')') {
            self.peek();
            let digits = self.take_while(|b| b.is_ascii_digit());
            items.push(digits.parse().map_err(|_| NpyError::Header(self.at))?);
            if !self.accept(b',') && self.peek() != Some(b')') {
                return Err(NpyError::Header(self.at));
            }
        }
        Ok(items)
    }
}

#[cfg(test)]
mod tests;
