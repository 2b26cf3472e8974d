//! One file for each step that a state machine, a schedule or an operator has the function take.

pub(crate) mod cancel;
pub(crate) mod fail;
pub(crate) mod finish;
pub(crate) mod poll;
pub(crate) mod submit;
pub(crate) mod sweep;
pub(crate) mod voice;
