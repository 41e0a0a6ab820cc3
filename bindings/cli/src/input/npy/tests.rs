//! The reader against files as `numpy` writes them, and against every way they can be wrong.

use super::*;

/// A file of version 1 with this header text and these values.
fn file(header: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(values);
    bytes
}

fn dict(descr: &str, fortran: &str, shape: &str) -> String {
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}      \n")
}

fn rows(bytes: &[u8]) -> Result<Vec<Vec<f32>>, NpyError> {
    let (mut rows, begin) = Rows::begin(bytes)?;
    rows.check_length(bytes.len() as u64 - begin)?;
    let mut all = Vec::new();
    while let Some(row) = rows.next_row()? {
        all.push(row);
    }
    Ok(all)
}

fn le<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

#[test]
fn the_three_widths_read_alike() {
    let expected = vec![vec![1.0, -0.5, 0.25], vec![2.0, 0.0, -8.0]];
    let flat: Vec<f32> = expected.concat();
    let f16 = le(flat.iter().map(|v| half::f16::from_f32(*v).to_le_bytes()));
    let f32s = le(flat.iter().map(|v| v.to_le_bytes()));
    let f64s = le(flat.iter().map(|v| f64::from(*v).to_le_bytes()));
    for (descr, values) in [("<f2", f16), ("<f4", f32s), ("<f8", f64s)] {
        let read = rows(&file(&dict(descr, "False", "(2, 3)"), &values)).unwrap();
        assert_eq!(read, expected, "{descr}");
    }
}

#[test]
fn versions_two_and_three_have_a_longer_length() {
    let header = dict("<f4", "False", "(1, 1)");
    for major in [2, 3] {
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([major, 0]);
        bytes.extend((header.len() as u32).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(7.5_f32.to_le_bytes());
        assert_eq!(rows(&bytes).unwrap(), [[7.5]]);
    }
}

#[test]
fn one_vector_is_a_matrix_of_one_row() {
    let values = le([1.0_f32, 2.0].map(f32::to_le_bytes));
    assert_eq!(rows(&file(&dict("<f4", "False", "(2,)"), &values)).unwrap(), [[1.0, 2.0]]);
    // A single row is the same in either order, and `numpy` marks it as both or either.
    assert_eq!(rows(&file(&dict("<f4", "True", "(1, 2)"), &values)).unwrap(), [[1.0, 2.0]]);
}

#[test]
fn every_way_to_be_wrong_has_its_own_words() {
    let eight = [0; 8];
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (b"PK\x03\x04zip archive".to_vec(), "not a .npy file"),
        (b"\x93NUM".to_vec(), "not a .npy file"),
        (b"\x93NUMPY\x09\x00\x10\x00".to_vec(), "version 9.0"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(), "longer than 65536"),
        (file(&dict(">f4", "False", "(1, 2)"), &eight), "\">f4\""),
        (file(&dict("<i4", "False", "(1, 2)"), &eight), "\"<i4\""),
        (file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", &eight), "[…]"),
        (file(&dict("<f4", "True", "(2, 2)"), &[0; 16]), "column by column"),
        (file(&dict("<f4", "False", "()"), &eight), "neither a matrix"),
        (file(&dict("<f4", "False", "(1, 1, 2)"), &eight), "neither a matrix"),
        (file(&dict("<f4", "False", "(2, 0)"), &[]), "0 dimensions"),
        (file(&dict("<f4", "False", "(1, 8193)"), &[]), "8193 dimensions"),
        (file(&dict("<f4", "False", "(2, 2)"), &eight), "do not fit"),
        (file(&dict("<f4", "False", "(1, 1)"), &eight), "do not fit"),
        (file(&dict("<f4", "False", "(18446744073709551615, 8192)"), &eight), "do not fit"),
        (file(&dict("<f4", "False", "(18446744073709551616, 2)"), &eight), "does not read"),
        (file(&dict("<f4", "Maybe", "(1, 2)"), &eight), "does not read"),
        (file("{'descr': '<f4', 'shape': (1, 2)}", &eight), "does not read"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1 2)}", &eight), "does not read"),
        (file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,2)", &[]), "does not read"),
        (file("", &[]), "does not read"),
    ];
    for (bytes, words) in cases {
        let message = rows(&bytes).unwrap_err().to_string();
        assert!(message.contains(words), "{message:?} should contain {words:?}");
    }
}

#[test]
fn no_prefix_and_no_flipped_byte_panics() {
    let values = le([1.0_f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes));
    let whole = file(&dict("<f4", "False", "(2, 2)"), &values);
    for len in 0..whole.len() {
        assert!(rows(&whole[..len]).is_err(), "cut to {len} bytes");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            let _ = rows(&bytes);
        }
    }
}
