//! The test provider as the shop's only one: its buyers pay, its notices are posted, and lost where a test says so.
//! Nothing here asserts what a test is about.

use crate::shop::{HandClock, Shop};
use sale::{
    NoticeAnswer, OwnedOrder, PayRefused, Sale,
    pay::{Delivery, Notice, Switches, TEST_PROVIDER, TestProvider, TestSettings},
};
use std::{path::Path, sync::Arc};

pub fn open(book: &Path, clock: &Arc<HandClock>) -> Arc<TestProvider> {
    let settings = TestSettings {
        secret: [7; 32],
        merchant: "firstcome".into(),
        page: "/pay/test".into(),
        book: Some(book.to_owned()),
    };
    Arc::new(TestProvider::open(settings, Arc::clone(clock) as _).unwrap())
}

/// Posts a notice.
pub async fn post(sale: &Sale, delivery: &Delivery) -> NoticeAnswer {
    post_to(sale, TEST_PROVIDER, delivery).await
}

/// Posts a notice to the address of one provider.
pub async fn post_to(sale: &Sale, provider: &str, delivery: &Delivery) -> NoticeAnswer {
    let header = |name: &str| {
        let found = delivery.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone())
    };
    let notice = Notice { header: &header, body: &delivery.body };
    let answer = sale.notice(provider, &notice);
    answer.await
}

impl Shop {
    /// The buyer is sent to the provider.
    pub fn send(&mut self, order: &OwnedOrder) -> Result<String, PayRefused> {
        let start = self.wait(async |sale| sale.pay(order, None, "/zh/orders").await);
        start.map(|start| start.pay_url)
    }

    /// The buyer pays on the provider's page, and every notice that is due is posted.
    pub fn pay(&mut self, order: &OwnedOrder, switches: Switches) {
        let id = self.sale.claim_id(&order.first().claim);
        self.test.pay(id.as_str(), switches).unwrap();
        self.deliver();
    }

    /// Posts the notices that are due; the statuses of the answers.
    pub fn deliver(&mut self) -> Vec<u16> {
        let due = self.test.take_due(self.sale.now());
        let mut statuses = Vec::new();
        for delivery in due {
            let answer = self.wait(async |sale| post(sale, &delivery).await);
            self.test.delivered(delivery.id, answer.status == 200);
            statuses.push(answer.status);
        }
        statuses
    }
}
