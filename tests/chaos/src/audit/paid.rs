//! Paid calls: no vendor carried out two requests for one job, whatever was killed.

use super::{Audit, World, published::text};

pub fn audit(audit: &mut Audit, world: &World) {
    audit.at_least("requests that a vendor carried out", 1, world.paid.len());
    let requests = |provider: &str, title: &str| {
        let of_it = world.paid.iter();
        of_it
            .filter(|paid| paid.vendor == provider && paid.body.contains(title))
            .count()
    };
    let twice = world.table.long().filter_map(|(id, job)| {
        // The title of a long job is in its request, and in no other job's.
        let title = text(&job["configuration"]["title"]);
        let requests = requests(&text(&job["provider"]), &title);
        (requests > 1).then(|| format!("{id}: {requests} requests"))
    });
    audit.none_of(
        "jobs that were paid for twice",
        world.table.long().count(),
        twice.collect(),
    );
}
