//! What a test's stack knows of a tenant, for the message of a test that waited in vain.

use std::fmt::Write as _;

use crate::harness::Studio;

/// The last events of an execution that the report has.
const LAST_EVENTS: i32 = 8;

impl Studio {
    /// The items that name `tenant`, how many messages wait, and how far each execution came that
    /// has not succeeded.
    pub async fn report_on(&self, tenant: &str) -> String {
        let mut report = String::new();
        for item in self.items().await {
            let text = item.values().filter_map(|value| value.as_s().ok());
            let text = text.map(String::as_str).collect::<Vec<_>>().join(" ");
            if text.contains(tenant) {
                writeln!(report, "item {text}").unwrap();
            }
        }
        let depth = self.queue_depth().await;
        writeln!(report, "{depth} messages in the queue").unwrap();
        self.report_executions(&mut report).await;
        report
    }

    async fn report_executions(&self, report: &mut String) {
        let sfn = &self.stack.clients.sfn;
        let machine = &self.stack.outputs.render_state_machine_arn;
        let list = sfn.list_executions().state_machine_arn(machine);
        let list = list.send().await.unwrap();
        for execution in list.executions() {
            let (arn, status) = (execution.execution_arn(), execution.status());
            if status.as_str() == "SUCCEEDED" {
                continue;
            }
            let history = sfn.get_execution_history().execution_arn(arn);
            let history = history.reverse_order(true).max_results(LAST_EVENTS);
            let history = history.send().await.unwrap();
            writeln!(report, "execution {} {status}", execution.name()).unwrap();
            for event in history.events() {
                writeln!(report, "  {event:?}").unwrap();
            }
        }
    }
}
