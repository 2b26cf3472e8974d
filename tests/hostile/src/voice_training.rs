//! The input of a voice's execution: it is read whole or refused.

use std::str;

use events::{MOST_SAMPLES, VoiceTraining};

/// Holds the input of an execution of `voice-training` to what is promised of it.
///
/// # Panics
/// If a promise is broken.
pub fn check_voice_training(input: &[u8]) {
    let Ok(text) = str::from_utf8(input) else { return };
    let Ok(training) = VoiceTraining::parse(text) else { return };
    assert!((1..=MOST_SAMPLES).contains(&training.samples.len()));
    let written = serde_json::to_string(&training).expect("what was read can be written");
    assert_eq!(VoiceTraining::parse(&written).expect("and read again"), training);
}
