//! The outbox: commit, publish, send, in this order, whatever dies between.

mod commit;
mod ends;
mod look_up;
mod notices;
mod publish;
mod resubmit;
mod send;
mod voices;
