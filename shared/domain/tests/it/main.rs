//! The decisions of the domain, from outside: one program, because each is linked anew.

mod samples;

mod attempts;
mod decisions;
mod drawn;
mod entities;
mod jobs;
mod limits;
mod notes;
mod older;
mod outages;
mod places;
mod resubmissions;
mod speakers;
mod turns;
mod voice_states;
mod voice_waits;
mod voices;
mod work;
