//! Numbers of variable length, and bytes with their length.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use super::broken::Broken;

/// Bytes with their length before them; a length of -1 is null.
pub(super) fn take(from: &mut Bytes) -> Result<Option<Bytes>, Broken> {
    match varint(from)? {
        -1 => Ok(None),
        length => match usize::try_from(length) {
            Ok(length) if length <= from.len() => Ok(Some(from.split_to(length))),
            _ => Err("a length in it goes beyond its end".into()),
        },
    }
}

/// A number in Protocol Buffers' zigzag encoding, seven bits per byte.
pub(super) fn varint(from: &mut Bytes) -> Result<i64, Broken> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        if !from.has_remaining() {
            return Err("it ends in a number".into());
        }
        let byte = from.get_u8();
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    Err("a number in it has no end".into())
}

pub(super) fn put_varint(to: &mut BytesMut, number: i64) {
    let mut number = ((number << 1) ^ (number >> 63)).cast_unsigned();
    while number >= 0x80 {
        to.put_u8((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    to.put_u8(number as u8);
}

pub(super) fn put_bytes(to: &mut BytesMut, bytes: Option<&[u8]>) {
    put_varint(to, bytes.map_or(-1, |bytes| length(bytes.len())));
    to.put_slice(bytes.unwrap_or_default());
}

pub(super) fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
