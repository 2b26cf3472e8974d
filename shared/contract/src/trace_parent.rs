//! The `traceparent` of W3C Trace Context (w3.org/TR/trace-context, version 00): a position in a
//! distributed trace.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A trace and the parent span in it. Written `00-<trace>-<span>-<flags>`, in lower-case
/// hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace id; not 0.
    pub trace: u128,
    /// The parent span's id; not 0.
    pub span: u64,
    /// Whether the caller records the trace.
    pub is_sampled: bool,
}

/// Text that is not a `traceparent`. The reader ignores it and starts a new trace.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no `traceparent` of W3C Trace Context")]
pub struct UnknownTraceParent;

impl FromStr for TraceParent {
    type Err = UnknownTraceParent;

    fn from_str(text: &str) -> Result<Self, UnknownTraceParent> {
        let mut parts = text.split('-');
        let mut part = |length: usize| {
            let part = parts.next().filter(|part| part.len() == length)?;
            // `from_str_radix` also accepts a sign and capitals.
            let is_hex = part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            u128::from_str_radix(part, 16).ok().filter(|_| is_hex)
        };
        let (version, trace, span, flags) = (part(2), part(32), part(16), part(2));
        let (Some(version), Some(trace), Some(span), Some(flags)) = (version, trace, span, flags)
        else {
            return Err(UnknownTraceParent);
        };
        // Later versions may have more parts, version 0 may not; version 255 is invalid.
        let has_more = parts.next().is_some();
        if version == 0xff || (version == 0 && has_more) || trace == 0 || span == 0 {
            return Err(UnknownTraceParent);
        }
        let span = u64::try_from(span).map_err(|_| UnknownTraceParent)?;
        Ok(Self {
            trace,
            span,
            is_sampled: flags & 1 == 1,
        })
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace,
            self.span,
            u8::from(self.is_sampled)
        )
    }
}

impl Serialize for TraceParent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceParent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_parent_reads_back_as_it_is_written() {
        // The specification's own example.
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let parent: TraceParent = text.parse().unwrap();
        assert_eq!(
            (parent.span, parent.is_sampled),
            (0x00f0_67aa_0ba9_02b7, true)
        );
        assert_eq!(parent.to_string(), text);
        let later = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00-what-comes";
        assert_eq!(later.parse::<TraceParent>().unwrap().trace, parent.trace);
    }

    #[test]
    fn an_invalid_trace_parent_is_refused() {
        for wrong in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert_eq!(
                wrong.parse::<TraceParent>(),
                Err(UnknownTraceParent),
                "{wrong}"
            );
        }
    }
}
