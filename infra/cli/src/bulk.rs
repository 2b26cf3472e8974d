//! `studio jobs resubmit` and `cancel` of all jobs that match: page by page, with the progress on the
//! standard error, and a report at the end.

use contract::{Identifier, printable};
use operations::{ChangeJobs, Counts, JobFate, JobsHandled, Step};

use crate::{
    Exit,
    arguments::JobsArguments,
    ask::{AskError, Function},
    counts,
    job_line::fate,
    table::{counted, print},
};

/// Changes all jobs that match, and prints what happened to each. `how` says what the step does with
/// them.
pub async fn change(
    function: &Function,
    which: JobsArguments,
    (how, step): (&str, impl Fn(ChangeJobs) -> Step),
    json: bool,
) -> Result<Exit, AskError> {
    let JobsArguments {
        filter,
        execute,
        per_second,
        mut after,
        ..
    } = which;
    let (tenant, filter) = filter.parts();
    let mut sum = Sum::default();
    loop {
        let step = step(ChangeJobs {
            tenant: tenant.clone(),
            filter: filter.clone(),
            after: after.clone(),
            execute,
            per_second,
        });
        let answered = function.ask::<JobsHandled>(&step).await;
        let (answer, handled) = answered.inspect_err(|_| go_on(after.as_deref()))?;
        print(json, &answer, || text(&handled, tenant.as_ref()));
        sum.add(&handled);
        if let Some(why) = &handled.stopped {
            eprintln!("studio: {}, so the others were not tried", printable(why));
            go_on(after.as_deref());
            break;
        }
        let Some(next) = handled.next else {
            break;
        };
        eprintln!(
            "studio: {} so far; to go on after an interruption: --after {}",
            sum.progress(how),
            printable(&next)
        );
        after = Some(next);
    }
    if !json {
        print!("{}", sum.report(how, execute));
    }
    Ok(if sum.left > 0 || sum.unread > 0 {
        Exit::Left
    } else {
        Exit::Done
    })
}

/// Says how the run goes on that ends here.
fn go_on(after: Option<&str>) {
    let with = after.map_or_else(String::new, |after| format!(" with --after {after}"));
    eprintln!(
        "studio: fix the cause, and run the same command again{}",
        printable(&with)
    );
}

/// A line for each job. Those of all tenants have their tenant first.
fn text(handled: &JobsHandled, tenant: Option<&Identifier>) -> String {
    let mut text = String::new();
    for one in &handled.jobs {
        if let (None, Some(tenant)) = (tenant, &one.job.tenant) {
            text.push_str(&format!("{}  ", printable(tenant.as_str())));
        }
        text.push_str(&fate(one));
    }
    for id in &handled.unread {
        text.push_str(&format!("{:<20}{id}\n", "cannot be read"));
    }
    text
}

/// The totals of all pages.
#[derive(Debug, Default)]
struct Sum {
    done: usize,
    left: usize,
    unread: usize,
    /// By the causes from before the step.
    counts: Counts,
}

impl Sum {
    fn add(&mut self, handled: &JobsHandled) {
        for one in &handled.jobs {
            match &one.fate {
                fate if fate.is_left() => self.left += 1,
                _ => self.done += 1,
            }
            let tenant = one.job.tenant.as_ref().map(Identifier::as_str);
            let cause = match &one.fate {
                JobFate::Stays { why } | JobFate::NotYet { why } => format!("skipped: {why}"),
                JobFate::WouldBeResubmitted { .. }
                | JobFate::Resubmitted { .. }
                | JobFate::WouldBeCancelled
                | JobFate::Cancelled => one.job.cause(),
            };
            self.counts.add(&cause, tenant, &one.job.provider);
        }
        self.unread += handled.unread.len();
    }

    fn progress(&self, how: &str) -> String {
        format!("{} {how}, {} skipped", counted(self.done, "job"), self.left)
    }

    fn report(&self, how: &str, execute: bool) -> String {
        if self.counts.total == 0 {
            return "No job matches.\n".to_owned();
        }
        let totals = counts::text(&self.counts, "job", "provider");
        let would_be = if execute { "" } else { "would be " };
        let mut text = format!(
            "\n{totals}\n{} {would_be}{how}, {} skipped.",
            counted(self.done, "job"),
            self.left
        );
        text.push_str(match (execute, self.done) {
            (false, 1..) => " This was a dry run. Apply it with --execute.\n",
            (false, 0) | (true, _) => "\n",
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use contract::{AssetKind, Entity, EntityKind, Time};
    use operations::{JobHandled, JobState, JobSummary};
    use uuid::Uuid;

    use super::*;

    fn failed(number: u128, tenant: &str, fate: JobFate) -> JobHandled {
        let job = JobSummary {
            id: Uuid::from_u128(number),
            state: JobState::Failed,
            entity: Entity {
                kind: EntityKind::Event,
                id: Identifier::parse("event-diwali").unwrap(),
            },
            asset: AssetKind::Poster,
            locale: None,
            provider: "openai".to_owned(),
            created_at: Time::new("2026-11-27T09:30:00Z".parse().unwrap()),
            resubmit_of: None,
            tenant: Identifier::parse(tenant).ok(),
            failure: Some(format!("unavailable: no answer in {number} s")),
            fell_back_from: None,
        };
        JobHandled { job, fate }
    }

    fn page(jobs: Vec<JobHandled>) -> JobsHandled {
        JobsHandled {
            jobs,
            unread: vec![Uuid::from_u128(9)],
            stopped: None,
            next: None,
        }
    }

    #[test]
    fn a_run_over_all_tenants_names_each_and_reports_causes_and_what_is_left() {
        let by = Uuid::from_u128(7);
        let dry = page(vec![
            failed(1, "a", JobFate::WouldBeResubmitted { by }),
            failed(2, "b", JobFate::WouldBeResubmitted { by }),
        ]);
        let mut sum = Sum::default();
        sum.add(&dry);
        insta::assert_snapshot!(
            "bulk_dry",
            text(&dry, None) + &sum.report("resubmitted", false)
        );
        let why = "DynamoDB did not answer".to_owned();
        let done = page(vec![
            failed(1, "a", JobFate::Resubmitted { by, before: false }),
            failed(2, "b", JobFate::NotYet { why }),
        ]);
        let mut sum = Sum::default();
        sum.add(&done);
        assert_eq!(sum.progress("resubmitted"), "1 job resubmitted, 1 skipped");
        insta::assert_snapshot!(
            "bulk_done",
            text(&done, None) + &sum.report("resubmitted", true)
        );
        assert_eq!(
            Sum::default().report("resubmitted", true),
            "No job matches.\n"
        );
    }
}
