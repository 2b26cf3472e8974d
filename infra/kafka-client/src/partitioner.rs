//! Chooses the partition of a record that names none.

use bytes::Bytes;

/// The partition that Java's producer chooses for a key (Kafka's
/// `BuiltInPartitioner.partitionForKey`): `toPositive(murmur2(key)) % count`. librdkafka calls it
/// `murmur2_random`.
#[must_use]
pub fn partition_of(key: &[u8], count: i32) -> i32 {
    (murmur2(key) & 0x7fff_ffff).cast_signed() % count.max(1)
}

/// As [`partition_of`]. Without a key the partitions take turns.
pub(crate) fn choose(key: Option<&Bytes>, count: i32, turn: u32) -> i32 {
    match key {
        Some(key) => partition_of(key, count),
        None => (turn & 0x7fff_ffff).cast_signed() % count.max(1),
    }
}

/// 32-bit MurmurHash 2, as in Kafka's `Utils.murmur2`.
fn murmur2(data: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    const SEED: u32 = 0x9747_b28c;
    let mut hash = SEED ^ data.len() as u32;
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        let word = u32::from_le_bytes(*word).wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ (word ^ (word >> 24)).wrapping_mul(MIX);
    }
    if !rest.is_empty() {
        let rest = rest
            .iter()
            .rev()
            .fold(0, |rest, byte| rest << 8 | u32::from(*byte));
        hash = (hash ^ rest).wrapping_mul(MIX);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From Kafka's own `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_are_those_of_kafkas_own_test() {
        let cases: [(&[u8], i32); 7] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (
                b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            (b"abc", 479_470_107),
            (b"", 275_646_681),
        ];
        for (key, hash) in cases {
            assert_eq!(
                murmur2(key).cast_signed(),
                hash,
                "{}",
                String::from_utf8_lossy(key)
            );
        }
    }

    #[test]
    fn without_a_key_partitions_take_turns() {
        let chosen: Vec<i32> = (0..5).map(|turn| choose(None, 3, turn)).collect();
        assert_eq!(chosen, [0, 1, 2, 0, 1]);
        assert!(choose(None, 3, u32::MAX) >= 0);
    }
}
