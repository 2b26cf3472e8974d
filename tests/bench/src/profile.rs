//! Profiles: the instructions that callgrind counted, by owner of the code.

use std::collections::{BTreeMap, HashMap};

use crate::error::Error;
use crate::report::{Row, Unit};

/// How a row of a profile was measured, for the report.
const HOW: &str = "callgrind, by the crate or library of each function; its processor knows no SHA instructions, ours does";

/// The most owners that a row names.
const MOST: usize = 12;

/// The owners of crates, by prefix of the crate's name; the first match counts. A crate without a
/// match is its own owner.
const OWNERS: [(&str, &[&str]); 11] = [
    (
        "this repository",
        &[
            "bench_",
            "campaign_",
            "canvas",
            "cms_",
            "completion",
            "contract",
            "event",
            "intake",
            "domain",
            "dead_letters",
            "drawing",
            "executions",
            "outbox",
            "queue",
            "render",
            "store",
            "kafka",
            "operat",
            "providers",
            "runtime",
            "telemetry",
            "vendor_calls",
        ],
    ),
    (
        "Rust's library",
        &["alloc", "core", "hashbrown", "std", "__rustc"],
    ),
    ("AWS's SDK", &["aws_"]),
    ("HTTP: hyper", &["h2", "http", "hyper", "tower"]),
    ("TLS to AWS: rustls", &["rustls", "webpki"]),
    ("JSON: serde", &["serde"]),
    (
        "hashes, ids and signatures",
        &["crypto", "digest", "hmac", "sha1", "sha2", "uuid"],
    ),
    ("Tokio", &["futures", "tokio", "mio"]),
    ("shapes: tiny-skia", &["tiny_skia"]),
    (
        "text: parley and what is below it",
        &[
            "fontique",
            "harfrust",
            "icu",
            "parlance",
            "parley",
            "read_fonts",
            "skrifa",
            "zeno",
        ],
    ),
    (
        "compression: flate2 and miniz_oxide",
        &[
            "adler",
            "crc32fast",
            "flate2",
            "miniz_oxide",
            "png",
            "simd_adler32",
        ],
    ),
];

/// Instructions, or bytes, by owner of the code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile(BTreeMap<String, u64>);

impl Profile {
    /// Reads callgrind's file at `path`.
    pub fn read(path: &std::path::Path, name: &str) -> Result<Self, Error> {
        let named = || format!("callgrind of {name}");
        // Names of functions may not be UTF-8.
        let bytes = std::fs::read(path).map_err(|source| Error::End {
            name: named(),
            source,
        })?;
        let profile = Self::parse(&String::from_utf8_lossy(&bytes));
        if profile.0.is_empty() {
            return Err(Error::NoFigure {
                name: named(),
                output: "callgrind wrote nothing".to_owned(),
            });
        }
        Ok(profile)
    }

    /// Sums the costs in callgrind's output (<https://valgrind.org/docs/manual/cl-format.html>):
    /// each function's own cost, without that of its callees.
    fn parse(text: &str) -> Self {
        let mut names: HashMap<(Name, &str), &str> = HashMap::new();
        let mut resolve = |kind, text| named(&mut names, kind, text);
        let (mut object, mut file, mut owner) = ("", "", String::new());
        let mut of_a_call = false;
        let mut profile = Self::default();
        for line in text.lines() {
            if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
                // The line after `calls=` has the cost of the call, which is counted where it was
                // spent.
                if !std::mem::take(&mut of_a_call)
                    && let Some(cost) = line
                        .split(' ')
                        .nth(1)
                        .and_then(|cost| cost.parse::<u64>().ok())
                {
                    match profile.0.get_mut(&owner) {
                        Some(sum) => *sum += cost,
                        None => _ = profile.0.insert(owner.clone(), cost),
                    }
                }
                continue;
            }
            match line.split_once('=') {
                Some(("ob", name)) => object = resolve(Name::Object, name),
                Some(("fl", name)) => file = resolve(Name::File, name),
                Some(("fn", name)) => owner = owner_of(resolve(Name::Function, name), file, object),
                // These lines may be the first to name an object, file or function.
                Some(("cob", name)) => _ = resolve(Name::Object, name),
                Some(("fi" | "fe" | "cfi" | "cfl", name)) => _ = resolve(Name::File, name),
                Some(("cfn", name)) => _ = resolve(Name::Function, name),
                Some(("calls", _)) => of_a_call = true,
                _ => {}
            }
        }
        profile
    }

    /// The sizes of a program's symbols, as `nm --demangle --print-size` prints them.
    pub fn of_symbols(printed: &str) -> Self {
        let mut profile = Self::default();
        for line in printed.lines() {
            let mut words = line.splitn(4, ' ');
            let (Some(_), Some(size), Some(_), Some(name)) =
                (words.next(), words.next(), words.next(), words.next())
            else {
                continue;
            };
            if let Ok(size) = u64::from_str_radix(size, 16) {
                *profile.0.entry(owner_of(name, "", "")).or_default() += size;
            }
        }
        profile
    }

    /// This profile minus `other`.
    pub fn without(mut self, other: &Self) -> Self {
        for (owner, sum) in &mut self.0 {
            *sum = sum.saturating_sub(other.0.get(owner).copied().unwrap_or_default());
        }
        self
    }

    /// The sum over all owners; for symbols, their bytes.
    pub fn instructions(&self) -> u64 {
        self.0.values().sum()
    }

    /// A row with the largest shares, and the rest as one share.
    pub fn row(&self, what: &str) -> Row {
        self.row_by(what, HOW)
    }

    /// The same row, for a profile that was measured in another way.
    pub fn row_by(&self, what: &str, how: &'static str) -> Row {
        let whole = self.instructions().max(1) as f64;
        let mut shares: Vec<(String, f64)> = self
            .0
            .iter()
            .map(|(owner, sum)| (owner.clone(), *sum as f64 / whole * 100.0))
            .collect();
        shares.sort_by(|one, other| other.1.total_cmp(&one.1));
        let rest: f64 = shares.iter().skip(MOST).map(|(_, share)| share).sum();
        shares.truncate(MOST);
        if rest >= 0.05 {
            shares.push(("everything else".to_owned(), rest));
        }
        Row::new(what, how, Unit::Percent, shares)
    }
}

/// The option that makes callgrind write to `out`.
pub fn out_file(out: &tempfile::NamedTempFile) -> String {
    // Callgrind expands `%` in this option.
    format!(
        "--callgrind-out-file={}",
        out.path().display().to_string().replace('%', "%%")
    )
}

/// The kinds of names in callgrind's output; each kind has its own numbering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Name {
    Object,
    File,
    Function,
}

/// Resolves a name that is written as `(7) name` the first time, and as `(7)` from then on.
fn named<'a>(names: &mut HashMap<(Name, &'a str), &'a str>, kind: Name, text: &'a str) -> &'a str {
    match text.split_once(' ') {
        Some((id, name)) if id.starts_with('(') => {
            names.insert((kind, id), name);
            name
        }
        _ => names.get(&(kind, text)).copied().unwrap_or(text),
    }
}

/// The owner of a function: a Rust function belongs to its crate; a C function is assigned by its
/// file or by the prefix of its name.
fn owner_of(function: &str, file: &str, object: &str) -> String {
    let within = function
        .strip_prefix("core::ptr::drop_in_place<")
        .unwrap_or(function);
    let within = within.trim_start_matches(['<', '&', '*', '(', ' ']);
    let within = ["dyn ", "mut ", "const "]
        .iter()
        .fold(within, |name, word| name.strip_prefix(word).unwrap_or(name));
    let crate_name = within.split_once("::").map(|(first, _)| first);
    let is_name = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if let Some(name) = crate_name.filter(is_name) {
        let owner = OWNERS
            .iter()
            .find(|(_, begins)| begins.iter().any(|begin| name.starts_with(begin)));
        return owner.map_or(name, |(owner, _)| owner).to_owned();
    }
    let of_file = |part: &str| file.contains(part);
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| function.starts_with(prefix));
    // librdkafka compresses with zlib, which is its only user.
    let owner =
        if of_file("rdkafka") || of_file("libz-sys") || begins(&["rd_", "rdk", "LZ4", "unittest_"])
        {
            "Kafka: librdkafka"
        } else if of_file("aws-lc") || begins(&["aws_lc_"]) {
            "TLS to AWS: AWS-LC"
        } else if of_file("openssl") {
            "TLS to Kafka: OpenSSL"
        } else if object.contains("/ld-") {
            "the loader"
        } else if object.contains("libc.so") {
            "libc: memory and copies"
        } else if file.is_empty() {
            "OpenSSL, and what else is C"
        } else {
            "what else is C"
        };
    owner.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_assigned_to_its_crate_or_library() {
        for (function, file, object, owner) in [
            ("serde_json::read::next", "", "", "JSON: serde"),
            (
                "<aws_sigv4::sign::Params as core::fmt::Debug>::fmt",
                "",
                "",
                "AWS's SDK",
            ),
            (
                "core::ptr::drop_in_place<domain::Job>",
                "",
                "",
                "this repository",
            ),
            (
                "<alloc::vec::Vec<T,A> as core::ops::drop::Drop>::drop",
                "",
                "",
                "Rust's library",
            ),
            ("<&dyn tracing::Subscriber as X>::event", "", "", "tracing"),
            (
                "SSL_CTX_new",
                "/out/openssl-build/ssl/ssl_lib.c",
                "/bin/f",
                "TLS to Kafka: OpenSSL",
            ),
            ("rd_kafka_poll", "", "", "Kafka: librdkafka"),
            (
                "malloc",
                "./malloc/malloc.c",
                "/lib/libc.so.6",
                "libc: memory and copies",
            ),
        ] {
            assert_eq!(owner_of(function, file, object), owner, "{function}");
        }
    }

    #[test]
    fn a_profile_counts_each_functions_own_instructions() {
        let text = "\
events: Ir
ob=(1) /bin/function
fl=(1) a.rs
fn=(1) domain::plan
10 5
cfn=(2) serde_json::to_string
calls=1 3
10 100
+1 7
fn=(2)
3 60
* 40
";
        let profile = Profile::parse(text);
        let expected = [
            ("JSON: serde".to_owned(), 100),
            ("this repository".to_owned(), 12),
        ];
        assert_eq!(profile, Profile(expected.into()));
        assert_eq!(profile.instructions(), 112);
        assert_eq!(profile.clone().without(&profile).instructions(), 0);
    }

    #[test]
    fn symbols_are_summed_by_their_sizes() {
        let printed = "0000000000001000 0000000000000010 t domain::plan\n0000000000002000 000000000000000a T rd_kafka_new\n                 U free\n";
        let expected = [
            ("Kafka: librdkafka".to_owned(), 10),
            ("this repository".to_owned(), 16),
        ];
        assert_eq!(Profile::of_symbols(printed), Profile(expected.into()));
    }

    #[test]
    fn a_row_names_the_largest_shares_and_sums_up_the_rest() {
        let profile = Profile((1..=20_u64).map(|n| (format!("crate {n:02}"), n)).collect());
        let row = profile.row("all");
        assert_eq!(row.figures.len(), MOST + 1);
        assert_eq!(row.figures[0].0, "crate 20");
        let whole: f64 = row.figures.iter().map(|(_, share)| share).sum();
        assert!((whole - 100.0).abs() < 1e-9, "{whole}");
    }
}
