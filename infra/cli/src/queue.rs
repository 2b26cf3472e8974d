//! `studio queue`: the request, and the text of the answer.

use operations::{Queued, Step};

use crate::{
    Exit,
    ask::{AskError, Function},
    table::{fields, print},
};

pub async fn show(function: &Function, json: bool) -> Result<Exit, AskError> {
    let (answer, queued) = function.ask(&Step::Queue).await?;
    print(json, &answer, || text(&queued));
    Ok(Exit::Done)
}

fn text(queued: &Queued) -> String {
    let oldest = match queued.oldest_seconds {
        Some(seconds) => format!("a picture was asked for {} ago", age(seconds)),
        None => "no picture waits".to_owned(),
    };
    fields(&[
        ("waiting", queued.waiting.to_string()),
        ("in flight", queued.in_flight.to_string()),
        ("put off", queued.delayed.to_string()),
        ("oldest", oldest),
        ("dead", queued.dead.to_string()),
    ])
}

/// A time span in the largest unit of which it has two or more.
fn age(seconds: u64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 60 / 60);
    match (minutes, hours) {
        (0 | 1, _) => format!("{seconds} s"),
        (_, 0 | 1) => format!("{minutes} min"),
        _ => format!("{hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_queue_is_shown_with_its_counts_and_its_oldest_picture() {
        let full = Queued {
            waiting: 1200,
            in_flight: 260,
            delayed: 3,
            oldest_seconds: Some(840),
            dead: 1,
        };
        insta::assert_snapshot!("queue", text(&full));
        let empty = Queued {
            oldest_seconds: None,
            ..full
        };
        assert!(text(&empty).contains("oldest      no picture waits\n"));
    }

    #[test]
    fn an_age_is_short_and_exact_enough() {
        let spans = [0, 119, 120, 7199, 7200, 90_000].map(age);
        assert_eq!(spans, ["0 s", "119 s", "2 min", "119 min", "2 h", "25 h"]);
    }
}
