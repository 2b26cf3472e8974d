//! The layout of a batch.

/// The positions of a batch's parts, in bytes from its beginning.
pub(super) const LENGTH_ENDS: usize = 12;
pub(super) const MAGIC: usize = 16;
pub(super) const CRC: usize = 17;
pub(super) const CRC_BEGINS: usize = 21;
pub(super) const HEADER: usize = 61;

/// The bits of the attributes.
pub(super) const CODEC: i16 = 0b111;
pub(super) const APPEND_TIME: i16 = 1 << 3;
pub(super) const CONTROL: i16 = 1 << 5;
