use proptest::prelude::*;

use super::*;

/// The first length and the extra bits of each symbol from 257 on (RFC 1951, 3.2.5).
const OF_LENGTHS: [(u16, u32); 29] = [
    (3, 0),
    (4, 0),
    (5, 0),
    (6, 0),
    (7, 0),
    (8, 0),
    (9, 0),
    (10, 0),
    (11, 1),
    (13, 1),
    (15, 1),
    (17, 1),
    (19, 2),
    (23, 2),
    (27, 2),
    (31, 2),
    (35, 3),
    (43, 3),
    (51, 3),
    (59, 3),
    (67, 4),
    (83, 4),
    (99, 4),
    (115, 4),
    (131, 5),
    (163, 5),
    (195, 5),
    (227, 5),
    (258, 0),
];

/// The first distance and the extra bits of each symbol.
const OF_DISTANCES: [(u16, u32); 30] = [
    (1, 0),
    (2, 0),
    (3, 0),
    (4, 0),
    (5, 1),
    (7, 1),
    (9, 2),
    (13, 2),
    (17, 3),
    (25, 3),
    (33, 4),
    (49, 4),
    (65, 5),
    (97, 5),
    (129, 6),
    (193, 6),
    (257, 7),
    (385, 7),
    (513, 8),
    (769, 8),
    (1025, 9),
    (1537, 9),
    (2049, 10),
    (3073, 10),
    (4097, 11),
    (6145, 11),
    (8193, 12),
    (12289, 12),
    (16385, 13),
    (24577, 13),
];

/// The symbol of `value` by a table.
fn looked_up(table: &[(u16, u32)], first: usize, value: u16) -> Symbol {
    let index = table.partition_point(|(least, _)| *least <= value) - 1;
    let (least, extra_bits) = table[index];
    Symbol::with(first + index, u32::from(value - least), extra_bits)
}

#[test]
fn each_length_and_distance_has_the_symbol_of_the_rfc() {
    for length in 3..=258 {
        let symbol = Symbol::of_length(length);
        assert_eq!(symbol, looked_up(&OF_LENGTHS, 257, length), "{length}");
    }
    for distance in 1..=32768 {
        let symbol = Symbol::of_distance(distance);
        assert_eq!(symbol, looked_up(&OF_DISTANCES, 0, distance), "{distance}");
    }
}

/// The lengths that these symbols say (RFC 1951, 3.2.7).
fn said(symbols: &[Symbol]) -> Vec<u8> {
    let mut lengths = Vec::new();
    for symbol in symbols {
        assert!(symbol.extra < 1 << symbol.extra_bits, "{symbol:?}");
        let extra = symbol.extra as usize;
        let (length, times) = match (symbol.number, symbol.extra_bits) {
            (16, 2) => (*lengths.last().unwrap(), 3 + extra),
            (17, 3) => (0, 3 + extra),
            (18, 7) => (0, 11 + extra),
            (length @ ..16, 0) => (u8::try_from(length).unwrap(), 1),
            _ => panic!("{symbol:?}"),
        };
        lengths.extend(iter::repeat_n(length, times));
    }
    lengths
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]
    #[test]
    fn the_symbols_of_lengths_say_those_lengths(
        runs in prop::collection::vec((prop_oneof![Just(0_u8), 0..16_u8], 1..200_usize), 0..12),
    ) {
        let runs = runs.into_iter().map(|(length, times)| vec![length; times]);
        let lengths = runs.collect::<Vec<_>>().concat();
        let symbols = symbols_of_lengths(&lengths);
        prop_assert_eq!(said(&symbols), lengths);
    }
}
