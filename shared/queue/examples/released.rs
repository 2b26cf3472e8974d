//! Prints messages as this version writes them, for `make release-fixtures`.

use domain::{EntityKey, JobId};
use queue::Message;
use uuid::Uuid;

fn main() {
    let id = |number: u128| Uuid::from_u128(0x1b67_1a64_40d5_491e_99b0_da01_ff1f_3300 + number);
    let messages = [(1, 0), (2, 0), (100, 7)].map(|(jobs, tries)| Message {
        entity: EntityKey(id(0)),
        jobs: (1..=jobs).map(|job| JobId(id(job))).collect(),
        tries,
    });
    let bodies = messages.map(|message| message.to_json());
    println!("{}", serde_json::json!(bodies));
}
