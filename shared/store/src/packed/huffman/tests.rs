use std::{cmp::Reverse, collections::BinaryHeap};

use proptest::prelude::*;

use super::*;

/// The parts of the space of codes that are taken, of 2¹⁵.
fn taken(lengths: &[u8]) -> u32 {
    let of_code = |length: &u8| match length {
        0 => 0,
        length => 1 << (15 - length),
    };
    lengths.iter().map(of_code).sum()
}

/// The example of RFC 1951, 3.2.2.
#[test]
fn lengths_alone_say_what_the_codes_are() {
    let codes = Codes::of([3, 3, 3, 3, 3, 2, 4, 4]);
    let written: [String; 8] = std::array::from_fn(|symbol| {
        let length = usize::from(codes.lengths[symbol]);
        let from_the_lowest = (0..length).map(|bit| (codes.bits[symbol] >> bit) & 1);
        from_the_lowest.map(|bit| bit.to_string()).collect()
    });
    let example = ["010", "011", "100", "101", "110", "00", "1110", "1111"];
    assert_eq!(written, example);
}

#[test]
fn at_least_two_symbols_have_a_code() {
    assert_eq!(Codes::new(&[0, 0, 0], 7).lengths, [1, 1, 0]);
    assert_eq!(Codes::new(&[5, 0, 0], 7).lengths, [1, 1, 0]);
    assert_eq!(Codes::new(&[0, 0, 5], 7).lengths, [1, 0, 1]);
}

/// Huffman's tree for Fibonacci's numbers is as deep as there are symbols.
#[test]
fn no_code_is_too_long_and_none_is_left() {
    let mut fibonacci = [1; 30];
    for index in 2..fibonacci.len() {
        fibonacci[index] = fibonacci[index - 1] + fibonacci[index - 2];
    }
    for most_bits in [7, 15] {
        let lengths = Codes::new(&fibonacci, most_bits).lengths;
        assert!(
            lengths
                .iter()
                .all(|length| (1..=most_bits).contains(&usize::from(*length)))
        );
        assert!(lengths.is_sorted_by(|one, next| one >= next), "{lengths:?}");
        assert_eq!(taken(&lengths), 1 << 15);
    }
}

/// The bits of Huffman's code: the sum of the weights of all inner nodes.
fn fewest_bits(frequencies: &[u32]) -> u32 {
    let used = frequencies.iter().filter(|frequency| **frequency > 0);
    let mut weights: BinaryHeap<_> = used.copied().map(Reverse).collect();
    let mut bits = 0;
    while let (Some(Reverse(one)), Some(Reverse(other))) = (weights.pop(), weights.pop()) {
        bits += one + other;
        weights.push(Reverse(one + other));
    }
    bits
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]
    #[test]
    fn no_codes_are_shorter(frequencies in prop::array::uniform32(0..40_u32)) {
        let mut frequencies = frequencies;
        frequencies[30..].fill(1);
        let lengths = Codes::new(&frequencies, 15).lengths;
        let codes = frequencies.iter().zip(&lengths);
        let bits = codes.map(|(frequency, length)| frequency * u32::from(*length));
        prop_assert_eq!(bits.sum::<u32>(), fewest_bits(&frequencies));
        prop_assert_eq!(taken(&lengths), 1 << 15);
    }
}
