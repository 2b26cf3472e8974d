//! CloudWatch's Embedded Metric Format: a line of JSON that is an event of the log, and from which
//! CloudWatch extracts metrics. Its specification is
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>.
//!
//! AWS's own formatter, metrique, brings a queue, sampling and random numbers with it, which no
//! function uses. So these lines are written here, and the tests compare them with metrique's.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer, ser::SerializeMap as _};

/// A line. No two of its names are the same.
pub(crate) struct Line<'a> {
    /// The namespace of the metrics.
    pub namespace: &'a str,
    /// The time of the measurement. The line has it in whole milliseconds.
    pub at: SystemTime,
    /// The dimensions of each metric, with their values: 30 at most.
    pub dimensions: Vec<(&'static str, &'a str)>,
    /// Other fields of the log's event.
    pub fields: Vec<(&'static str, &'a str)>,
    /// The metrics, with their values: 100 at most.
    pub metrics: Vec<(&'static str, Measure)>,
}

/// The value of a metric, which also says its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Measure {
    /// A number of something.
    Count(u64),
    /// A time in milliseconds.
    Milliseconds(Duration),
    /// A time in seconds.
    Seconds(Duration),
}

/// What the key `_aws` holds: it says which of the line's fields are metrics and dimensions.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    cloud_watch_metrics: [Directive<'a>; 1],
    timestamp: u128,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Directive<'a> {
    namespace: &'a str,
    dimensions: [Vec<&'a str>; 1],
    metrics: Vec<Definition<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Definition<'a> {
    name: &'a str,
    unit: &'static str,
}

impl Line<'_> {
    /// The line as bytes, with the line feed at its end.
    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn metadata(&self) -> Metadata<'_> {
        let names = self.dimensions.iter().map(|(name, _)| *name);
        let metrics = self.metrics.iter().map(|(name, value)| Definition {
            name,
            unit: value.unit(),
        });
        let since_1970 = self.at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Metadata {
            cloud_watch_metrics: [Directive {
                namespace: self.namespace,
                dimensions: [names.collect()],
                metrics: metrics.collect(),
            }],
            timestamp: since_1970.as_millis(),
        }
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut line = serializer.serialize_map(None)?;
        line.serialize_entry("_aws", &self.metadata())?;
        for (name, value) in &self.metrics {
            line.serialize_entry(name, value)?;
        }
        for (name, text) in self.dimensions.iter().chain(&self.fields) {
            line.serialize_entry(name, text)?;
        }
        line.end()
    }
}

impl Measure {
    fn unit(self) -> &'static str {
        match self {
            Self::Count(_) => "Count",
            Self::Milliseconds(_) => "Milliseconds",
            Self::Seconds(_) => "Seconds",
        }
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let time = match self {
            Self::Count(number) => return serializer.serialize_u64(*number),
            Self::Milliseconds(time) => time.as_secs_f64() * 1000.0,
            Self::Seconds(time) => time.as_secs_f64(),
        };
        // A whole number has no `.0`.
        let whole = time as u64;
        if whole as f64 == time {
            serializer.serialize_u64(whole)
        } else {
            serializer.serialize_f64(time)
        }
    }
}

#[cfg(test)]
mod tests {
    use metrique_writer::{
        Entry, EntryWriter,
        format::Format as _,
        unit::{AsCount, AsSeconds},
    };
    use metrique_writer_format_emf::Emf;
    use proptest::{collection::vec, option, prelude::*};
    use serde_json::Value;

    use super::*;

    impl Entry for Line<'_> {
        fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
            writer.timestamp(self.at);
            for (name, value) in &self.metrics {
                match value {
                    Measure::Count(number) => writer.value(*name, &AsCount::from(*number)),
                    Measure::Milliseconds(time) => writer.value(*name, time),
                    Measure::Seconds(time) => writer.value(*name, &AsSeconds::from(*time)),
                }
            }
            for (name, text) in self.dimensions.iter().chain(&self.fields) {
                writer.value(*name, *text);
            }
        }
    }

    /// The line as we write it, and as metrique does with all its checks.
    fn written(line: &Line<'_>) -> [String; 2] {
        let names = line.dimensions.iter().map(|(name, _)| (*name).to_owned());
        let mut metrique = Emf::all_validations(line.namespace.to_owned(), vec![names.collect()]);
        let mut theirs = Vec::new();
        metrique.format(line, &mut theirs).unwrap();
        [line.to_bytes().unwrap(), theirs].map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// Whether two lines say the same. The last digit of a time may differ, because metrique
    /// converts to seconds by way of milliseconds.
    fn is_same(ours: &Value, theirs: &Value) -> bool {
        match (ours, theirs) {
            (Value::Object(ours), Value::Object(theirs)) => {
                ours.len() == theirs.len()
                    && ours.iter().all(|(name, value)| {
                        theirs.get(name).is_some_and(|other| is_same(value, other))
                    })
            }
            (Value::Number(ours), Value::Number(theirs)) if ours.is_f64() || theirs.is_f64() => {
                let [ours, theirs] = [ours, theirs].map(|number| number.as_f64().unwrap());
                (ours - theirs).abs() <= theirs.abs() * 1e-12
            }
            _ => ours == theirs,
        }
    }

    #[test]
    fn a_line_has_the_bytes_that_awss_own_formatter_writes() {
        let time = Duration::from_millis(1234);
        let [ours, theirs] = written(&Line {
            namespace: "Eventzr/Studio",
            at: UNIX_EPOCH + Duration::from_micros(1_795_000_000_123_999),
            dimensions: vec![("Stage", "staging"), ("Provider", "\"quoted\"\n\u{7}é")],
            fields: vec![("Tenant", ""), ("Job", "aec4c8e1")],
            metrics: vec![
                ("None", Measure::Count(0)),
                ("Most", Measure::Count(u64::MAX)),
                ("Whole", Measure::Milliseconds(time)),
                (
                    "Part",
                    Measure::Milliseconds(Duration::from_micros(1_234_500)),
                ),
                ("Zero", Measure::Seconds(Duration::ZERO)),
                ("EventToAsset", Measure::Seconds(time)),
            ],
        });
        assert_eq!(ours, theirs);
        assert!(ours.ends_with("}\n"), "{ours}");
    }

    proptest! {
        #[test]
        fn any_line_says_what_awss_own_formatter_says(
            texts in vec(vec(any::<char>(), 0..12), 3),
            number in any::<u64>(),
            took in time(),
            since in option::of(time()),
            at in time(),
        ) {
            let texts: Vec<String> = texts.into_iter().map(String::from_iter).collect();
            let mut metrics =
                vec![("Calls", Measure::Count(number)), ("Took", Measure::Milliseconds(took))];
            metrics.extend(since.map(|since| ("Since", Measure::Seconds(since))));
            let [ours, theirs] = written(&Line {
                namespace: "Eventzr/Studio",
                at: UNIX_EPOCH + at,
                dimensions: vec![("Stage", texts[0].as_str()), ("Provider", texts[1].as_str())],
                fields: vec![("Job", texts[2].as_str())],
                metrics,
            });
            let [left, right] = [&ours, &theirs].map(|line| serde_json::from_str(line).unwrap());
            prop_assert!(is_same(&left, &right), "{ours}{theirs}");
        }
    }

    /// Times of every magnitude, from nothing to centuries.
    fn time() -> impl Strategy<Value = Duration> {
        (any::<u64>(), 0_u32..64).prop_map(|(nanos, shift)| Duration::from_nanos(nanos >> shift))
    }
}
