//! The calls of a batch that are in flight.

use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::sync::Semaphore;

/// The most calls to AWS in flight, whatever the number of records and of their jobs. Each needs a
/// connection of its own (AWS speaks HTTP/1.1), and opening another connection costs more than
/// waiting for a free one.
const CALLS_IN_FLIGHT: usize = 32;

/// Lets [`CALLS_IN_FLIGHT`] calls through at a time, in the order in which they come. A batch has
/// one, and every call of its phases to AWS goes through it. (Kafka has one connection for all.)
pub(crate) struct Calls(Semaphore);

impl Calls {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(CALLS_IN_FLIGHT))
    }

    /// Makes `call` once there is room. It may be several calls, one after another.
    pub(crate) async fn make<T>(&self, call: impl Future<Output = T>) -> T {
        let _room = self.0.acquire().await.expect("it is never closed");
        call.await
    }

    /// Makes `calls`, concurrently. Ends with the first error; what is then not yet answered is
    /// dropped.
    pub(crate) async fn make_all<E>(
        &self,
        calls: impl IntoIterator<Item = impl Future<Output = Result<(), E>>>,
    ) -> Result<(), E> {
        let mut calls: FuturesUnordered<_> =
            calls.into_iter().map(|call| self.make(call)).collect();
        while let Some(made) = calls.next().await {
            made?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, future::pending, time::Duration};

    use futures::future::{join, join_all};
    use tokio::{runtime, task::yield_now, time::timeout};

    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = runtime::Builder::new_current_thread().enable_time().build();
        runtime.unwrap().block_on(future)
    }

    /// Counts the calls in flight.
    #[derive(Default)]
    struct Fake {
        now: Cell<usize>,
        most: Cell<usize>,
        answered: Cell<usize>,
    }

    impl Fake {
        async fn call(&self) -> Result<(), ()> {
            self.now.set(self.now.get() + 1);
            self.most.set(self.most.get().max(self.now.get()));
            yield_now().await;
            self.now.set(self.now.get() - 1);
            self.answered.set(self.answered.get() + 1);
            Ok(())
        }
    }

    #[test]
    fn records_of_many_jobs_have_no_more_calls_in_flight_than_records_of_one() {
        for (records, jobs) in [(32, 26), (1, 96), (1000, 1)] {
            let (calls, fake) = (Calls::new(), Fake::default());
            let each = (0..records).map(|_| calls.make_all((0..jobs).map(|_| fake.call())));
            let ends = run(join_all(each));
            assert!(ends.iter().all(Result::is_ok));
            assert_eq!(fake.answered.get(), records * jobs);
            assert_eq!(fake.most.get(), CALLS_IN_FLIGHT);
        }
    }

    #[test]
    fn a_failed_call_fails_its_record_alone_and_gives_its_room_back() {
        let (calls, fake) = (Calls::new(), Fake::default());
        let ends = run(async {
            let last = CALLS_IN_FLIGHT - 1;
            let stuck = (0..CALLS_IN_FLIGHT).map(|number| async move {
                match number == last {
                    true => Err(()),
                    false => pending().await,
                }
            });
            let failing = calls.make_all(stuck);
            let other = calls.make_all((0..40).map(|_| fake.call()));
            let both = join(failing, other);
            timeout(Duration::from_secs(60), both).await.unwrap()
        });
        assert_eq!(ends, (Err(()), Ok(())));
        assert_eq!(fake.answered.get(), 40);
    }
}
