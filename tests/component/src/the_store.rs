//! The store, on the table of the template.

mod audit;
mod dead_letters;
mod ends;
mod erase;
mod jobs;
mod kept;
mod line;
mod of_all_tenants;
mod overdue;
mod providers;
mod reads;
mod remainders;
mod tombstone;
mod watched;
mod why;
mod writes;
