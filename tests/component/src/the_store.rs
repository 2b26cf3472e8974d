//! The store, on the table of the template.

mod audit;
mod dead_letters;
mod ends;
mod erase;
mod jobs;
mod line;
mod overdue;
mod providers;
mod reads;
mod remainders;
mod tombstone;
mod writes;
