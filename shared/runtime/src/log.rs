//! The log of a function: lines on standard output, which Lambda keeps.

use std::io;

use tracing::Dispatch;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{
        self, MakeWriter,
        time::{FormatTime, SystemTime},
    },
    prelude::*,
};

use crate::optional;

/// A part of a variable that cannot be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the environment variable {variable} has `{part}`, which is left out; it must be {expected}"
)]
struct LeftOut {
    variable: &'static str,
    part: String,
    expected: &'static str,
}

/// Starts the log of this process, as Lambda's variables ask for it:
///
/// - `AWS_LAMBDA_LOG_FORMAT`: with `JSON` a line is an object, with `timestamp` (RFC 3339, UTC),
///   `level`, `fields`, `span` and `spans`. Lambda filters such lines by their level, and takes a
///   line that lacks `timestamp` or `level` for `INFO`
///   (<https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html>).
///   Otherwise it is text, without colours, and Lambda adds the time.
/// - `AWS_LAMBDA_LOG_LEVEL`: the least level, from `TRACE` to `FATAL`, which is `ERROR` here; `INFO`
///   if it is not set. If `RUST_LOG` is set, it decides instead: `info,kafka=debug` is a level, and
///   another one for a module. The template sets `RUST_LOG` to its parameter `LogLevel`, and has
///   Lambda drop no line.
///
/// A part of them that cannot be read is named on standard error and left out. It stops no function,
/// because then events would wait for a detail of the log.
///
/// # Panics
/// If the process has a log already.
pub fn start_log() {
    let (targets, left_out) = targets(&optional("RUST_LOG"), &optional("AWS_LAMBDA_LOG_LEVEL"));
    let is_json = optional("AWS_LAMBDA_LOG_FORMAT").eq_ignore_ascii_case("json");
    log(targets, is_json, SystemTime, io::stdout).init();
    for part in left_out {
        // Not in the log itself: it may be without warnings.
        eprintln!("{part}");
    }
}

/// A log that writes lines as `lambda_runtime` does; those of JSON also have the time.
fn log<C, W>(targets: Targets, is_json: bool, clock: C, writer: W) -> Dispatch
where
    C: FormatTime + Send + Sync + 'static,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let log = tracing_subscriber::registry().with(without_readers_of_logos(targets));
    let lines = fmt::layer()
        .with_target(false)
        .with_ansi(false)
        .log_internal_errors(true)
        .with_writer(writer);
    if is_json {
        log.with(lines.json().with_timer(clock)).into()
    } else {
        log.with(lines.without_time()).into()
    }
}

/// What reads a tenant's logo: its lines quote that file, and say nothing of ours.
const READERS_OF_LOGOS: [&str; 4] = ["usvg", "resvg", "simplecss", "zune_jpeg"];

/// `targets` without what reads logos, but for what it names itself.
fn without_readers_of_logos(targets: Targets) -> Targets {
    let named: Vec<String> = targets
        .iter()
        .map(|(target, _)| target.to_owned())
        .collect();
    READERS_OF_LOGOS
        .into_iter()
        .filter(|reader| !named.iter().any(|target| target == reader))
        .fold(targets, |targets, reader| {
            targets.with_target(reader, LevelFilter::OFF)
        })
}

/// Which events are logged: what `list` says if it says anything, else those from `level` on. Also
/// the parts of both that cannot be read.
fn targets(list: &str, level: &str) -> (Targets, Vec<LeftOut>) {
    let parts = list.split(',').map(str::trim);
    let (read, unread): (Vec<&str>, Vec<&str>) =
        parts.filter(|part| !part.is_empty()).partition(is_read);
    let mut left_out: Vec<LeftOut> = unread.into_iter().map(of_list).collect();
    let least = least(level).unwrap_or_else(|| {
        left_out.push(of_level(level));
        LevelFilter::INFO
    });
    let targets = match read.join(",").parse::<Targets>() {
        Ok(targets) if !read.is_empty() => targets,
        _ => Targets::new().with_default(least),
    };
    (targets, left_out)
}

/// Whether the part of a list is a level, a module, or both as `module=level`. `Targets` would take
/// the name of a span as part of a module's name, and find no such module.
fn is_read(part: &&str) -> bool {
    let targets = part.parse::<Targets>();
    targets.is_ok_and(|targets| targets.iter().all(|(module, _)| !module.contains('[')))
}

fn least(level: &str) -> Option<LevelFilter> {
    match level {
        "" => Some(LevelFilter::INFO),
        fatal if fatal.eq_ignore_ascii_case("fatal") => Some(LevelFilter::ERROR),
        level => level.parse().ok(),
    }
}

fn of_list(part: &str) -> LeftOut {
    LeftOut {
        variable: "RUST_LOG",
        part: part.to_owned(),
        expected: "a list of levels and of modules with theirs, such as `info,kafka=debug`",
    }
}

fn of_level(level: &str) -> LeftOut {
    LeftOut {
        variable: "AWS_LAMBDA_LOG_LEVEL",
        part: level.to_owned(),
        expected: "TRACE, DEBUG, INFO, WARN, ERROR or FATAL",
    }
}

#[cfg(test)]
mod tests {
    use std::{io::Read as _, sync::Arc};

    use serde_json::{Value, json};
    use tracing::dispatcher::with_default;
    use tracing_subscriber::fmt::format::Writer;

    use super::*;

    /// A clock that stands still.
    struct Stopped;

    impl FormatTime for Stopped {
        fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
            writer.write_str("2026-11-27T09:30:00.000000Z")
        }
    }

    /// What a log has of an event of each kind in a span, from the level `INFO` on.
    fn written(is_json: bool) -> String {
        written_with("", is_json, || {
            let span = tracing::info_span!("invoke", requestId = "r-1");
            let _in_span = span.enter();
            tracing::debug!("not said");
            tracing::warn!(count = 3, tenant = "t-1", "said");
        })
    }

    /// What the log of a list has of what `say` says.
    fn written_with(list: &str, is_json: bool, say: impl FnOnce()) -> String {
        let (mut reader, writer) = io::pipe().unwrap();
        let log = log(targets(list, "").0, is_json, Stopped, Arc::new(writer));
        with_default(&log, say);
        drop(log);
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_line_has_level_spans_message_and_fields_and_neither_time_nor_colours() {
        assert_eq!(
            written(false),
            " WARN invoke{requestId=\"r-1\"}: said count=3 tenant=\"t-1\"\n"
        );
    }

    #[test]
    fn a_line_of_json_has_the_time_and_the_shape_that_lambda_runtime_gives_it() {
        let text = written(true);
        assert_eq!(text.lines().count(), 1, "{text}");
        let span = json!({ "requestId": "r-1", "name": "invoke" });
        assert_eq!(
            serde_json::from_str::<Value>(&text).unwrap(),
            json!({
                "timestamp": "2026-11-27T09:30:00.000000Z",
                "level": "WARN",
                "fields": { "message": "said", "count": 3, "tenant": "t-1" },
                "span": span,
                "spans": [span],
            })
        );
    }

    #[test]
    fn what_reads_a_tenants_logo_is_silent_unless_the_list_names_it() {
        let say = || {
            tracing::error!(target: "usvg::parser", "a line of a tenant's file");
            tracing::error!(target: "canvas::logo", "a line of ours");
        };
        for list in ["", "trace", "info,resvg=debug"] {
            assert_eq!(written_with(list, false, say), "ERROR a line of ours\n");
        }
        let text = written_with("info,usvg=error", false, say);
        assert_eq!(text.lines().count(), 2, "{text}");
    }

    /// The filter of both variables, which can be read.
    fn read(list: &str, level: &str) -> Targets {
        let (targets, left_out) = targets(list, level);
        assert!(left_out.is_empty(), "{left_out:?}");
        targets
    }

    #[test]
    fn the_clock_writes_a_time_of_rfc_3339_in_utc() {
        let mut text = String::new();
        SystemTime.format_time(&mut Writer::new(&mut text)).unwrap();
        let shape: String = text
            .chars()
            .map(|character| {
                if character.is_ascii_digit() {
                    '0'
                } else {
                    character
                }
            })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00.000000Z");
    }

    /// Lambda filters nothing, so the list alone decides, as the template sets it.
    #[test]
    fn a_level_in_the_list_goes_before_lambdas_own() {
        for (list, least) in [("DEBUG", LevelFilter::DEBUG), ("ERROR", LevelFilter::ERROR)] {
            assert_eq!(read(list, "TRACE"), Targets::new().with_default(least));
        }
    }

    #[test]
    fn lambdas_level_is_the_least_unless_a_list_is_given() {
        for (level, least) in [
            ("", LevelFilter::INFO),
            ("TRACE", LevelFilter::TRACE),
            ("DEBUG", LevelFilter::DEBUG),
            ("INFO", LevelFilter::INFO),
            ("WARN", LevelFilter::WARN),
            ("ERROR", LevelFilter::ERROR),
            ("FATAL", LevelFilter::ERROR),
        ] {
            assert_eq!(read("", level), Targets::new().with_default(least));
            let kafka = Targets::new().with_target("kafka", LevelFilter::DEBUG);
            assert_eq!(read("kafka=debug", level), kafka);
            let with_default = kafka.with_default(LevelFilter::WARN);
            assert_eq!(read("warn, kafka=debug,", level), with_default);
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_cure_and_the_rest_holds() {
        let (rest, left_out) = targets("kafka=loud,store=debug,kafka[publish]=trace", "LOUD");
        assert_eq!(
            rest,
            Targets::new().with_target("store", LevelFilter::DEBUG)
        );
        let parts = [
            of_list("kafka=loud"),
            of_list("kafka[publish]=trace"),
            of_level("LOUD"),
        ];
        assert_eq!(left_out, parts);
        assert_eq!(
            parts[0].to_string(),
            "the environment variable RUST_LOG has `kafka=loud`, which is left out; it must be a \
             list of levels and of modules with theirs, such as `info,kafka=debug`"
        );
        let (rest, left_out) = targets("kafka=loud", "WARN");
        assert_eq!(rest, Targets::new().with_default(LevelFilter::WARN));
        assert_eq!(left_out, [of_list("kafka=loud")]);
    }
}
