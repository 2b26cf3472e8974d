//! The size of a cold start's binary, in the development profile that `make test` builds anyway, so
//! that a crate that is linked by mistake is noticed early. The deployed binaries have bounds of
//! their own, in `infra/bootstraps`.

use std::{fs, path::Path};

use local::checkout::Checkout;

/// The most loaded bytes of a consumer: 46.6 million on 2026-11-28 on x86_64. An incremental build
/// has slightly more or less.
const CONSUMER: u64 = 49_000_000;

/// The same for render, which also draws, and has no vendor's client: 60.2 million on 2026-11-30,
/// of which the calendars and words of 78 languages and the readers of SVG, WebP and JPEG are five.
const RENDER: u64 = 63_000_000;

/// The same for completion, which also draws and has the vendors' clients: 66.1 million on
/// 2026-11-30.
const COMPLETION: u64 = 69_000_000;

/// The loaded bytes of an ELF file (its `PT_LOAD` segments; System V ABI, chapters 4 and 5),
/// without symbols and line tables.
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
fn the_loaded_size_of_a_function_is_bounded() {
    let binaries = Checkout::find().unwrap().binaries;
    if !cfg!(target_arch = "x86_64") {
        println!("!! the bounds are x86_64's: what a function loads is NOT compared");
        return;
    }
    for (function, most) in [
        ("event-created", CONSUMER),
        ("render", RENDER),
        ("completion", COMPLETION),
    ] {
        let bytes = loaded(&binaries.join(function));
        println!("{function}: {bytes} bytes");
        assert!(
            bytes <= most,
            "{function} loads {bytes} bytes, at most {most}: see what was linked in (cargo tree), or raise the bound and say why"
        );
        assert!(
            bytes > most / 2,
            "{function}: {bytes} bytes are not all of it"
        );
    }
}
