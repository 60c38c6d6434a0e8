//! The whole, as clients call it.

use toolbay_sdk::serde_json::{Value, json};
use toolbay_sdk::testing::{self, Running};

fn shop() -> Running {
    let mut orders = testing::plugin().start();
    orders
        .call("add_customer", json!({"name": "Ada", "limit": 5}))
        .expect_success();
    orders
        .call("add_stock", json!({"article": "lamp", "pieces": 8}))
        .expect_success();
    orders
}

fn free(orders: &mut Running) -> Option<Value> {
    let stock = orders.call("get_stock", json!({"article": "lamp"}));
    stock
        .structured()
        .and_then(|stock| stock.get("free"))
        .cloned()
}

#[test]
fn an_order_is_reserved_and_confirmed() {
    let mut orders = shop();
    let order = json!({"customer": "Ada", "article": "lamp", "pieces": 5, "idempotency_key": "a"});
    let taken = orders.call("create_order", &order);
    let expected = json!({"id": 1, "customer": "Ada", "article": "lamp", "pieces": 5});
    assert_eq!(taken.structured(), Some(&expected), "{taken}");
    assert_eq!(free(&mut orders), Some(json!(3)));
    // A retry takes nothing out of the stock.
    orders.call("create_order", &order).expect_success();
    assert_eq!(free(&mut orders), Some(json!(3)));
}

#[test]
fn what_fails_leaves_nothing_reserved() {
    let mut orders = shop();
    let mut order = |customer: &str, pieces: u32| {
        let order = json!({"customer": customer, "article": "lamp", "pieces": pieces});
        orders.call("create_order", order).to_string()
    };
    insta::assert_snapshot!(order("Bob", 1), @"not_found: there is no customer `Bob`; add them with `add_customer`");
    insta::assert_snapshot!(order("Ada", 9), @"conflict: only 8 of `lamp` are free, and 9 are ordered");
    insta::assert_snapshot!(order("Ada", 6), @"limit_exceeded: `Ada` may order 5 pieces at once, and these are 6");
    assert_eq!(free(&mut orders), Some(json!(8)));
}

#[test]
fn clients_see_the_whole_and_not_its_steps() {
    let tools = shop().tools();
    let names: Vec<&str> = tools
        .iter()
        .filter_map(|tool| tool.get("name")?.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "orders_create_order",
            "orders_add_customer",
            "orders_add_stock",
            "orders_get_stock"
        ]
    );
}
