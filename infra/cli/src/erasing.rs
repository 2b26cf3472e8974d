//! Erasing takes several passes while a request may still be on its way: this repeats a step until
//! nothing is left.

use std::time::{Duration, Instant};

use operations::Step;
use serde::de::DeserializeOwned;
use tokio::time::sleep;

use crate::{
    Exit,
    ask::{AskError, Function},
    table::print,
};

/// The pause between two passes.
const PAUSE: Duration = Duration::from_secs(15);

/// How the answers to a step of erasing are read and printed.
pub struct Passes<A> {
    /// The text of an answer.
    pub text: fn(&A) -> String,
    /// What is left after a pass, in words; `None` if nothing is.
    pub left: fn(&A) -> Option<String>,
}

/// Takes `step` again and again until nothing is left, for `within` at most. Each answer is printed;
/// the progress goes to the standard error.
pub async fn repeat<A: DeserializeOwned>(
    function: &Function,
    step: &Step,
    passes: Passes<A>,
    within: Duration,
    json: bool,
) -> Result<Exit, AskError> {
    let begin = Instant::now();
    loop {
        let (answer, handled) = function.ask::<A>(step).await?;
        print(json, &answer, || (passes.text)(&handled));
        let Some(left) = (passes.left)(&handled) else {
            return Ok(Exit::Done);
        };
        let rest = within.saturating_sub(begin.elapsed());
        if rest < PAUSE {
            eprintln!("studio: {left}: run the same command again in a few minutes");
            return Ok(Exit::Left);
        }
        eprintln!(
            "studio: {left}; repeating in {} s, for {} s more at most",
            PAUSE.as_secs(),
            rest.as_secs()
        );
        sleep(PAUSE).await;
    }
}
