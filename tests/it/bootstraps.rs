//! What a cold start has to load, by the development profile that `make test` builds anyway: a
//! crate that is linked in by mistake is seen here first. What is deployed has bounds of its own,
//! in `infra/bootstraps`.

use std::{fs, path::Path};

use local::checkout::Checkout;

/// Bytes of a consumer that are loaded: 46.6 million on 2026-11-28 on x86_64. A build that is
/// incremental has a little more or less.
const CONSUMER: u64 = 49_000_000;

/// Of completion, which also draws, and knows the vendors: 60.8 million on 2026-11-28.
const COMPLETION: u64 = 64_000_000;

/// The bytes of an ELF file that are loaded (its `PT_LOAD` segments; System V ABI, chapters 4 and
/// 5): its symbols and line tables are not.
fn loaded(path: &Path) -> u64 {
    let file = fs::read(path).unwrap();
    let number = |at: usize, bytes: usize| {
        file[at..at + bytes]
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    };
    assert_eq!(
        &file[..6],
        b"\x7fELF\x02\x01",
        "64 bits, the lowest byte first"
    );
    let (headers, size, count) = (number(0x20, 8), number(0x36, 2), number(0x38, 2));
    let header = |index| usize::try_from(headers + index * size).unwrap();
    (0..count)
        .map(header)
        .filter(|at| number(*at, 4) == 1)
        .map(|at| number(at + 0x20, 8))
        .sum()
}

#[test]
fn a_function_loads_no_more_than_it_did() {
    let binaries = Checkout::find().unwrap().binaries;
    if !cfg!(target_arch = "x86_64") {
        println!("!! the bounds are x86_64's: what a function loads is NOT compared");
        return;
    }
    for (function, most) in [("event-created", CONSUMER), ("completion", COMPLETION)] {
        let bytes = loaded(&binaries.join(function));
        println!("{function}: {bytes} bytes");
        assert!(
            bytes <= most,
            "{function} loads {bytes} bytes, at most {most}: see what was linked in (cargo tree), or raise the bound and say why"
        );
    }
}
