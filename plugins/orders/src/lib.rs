//! Orders: one tool that is made of smaller ones. Each step runs with its own permissions and can be read, tested and granted by itself; clients see only the whole.

use toolbay_sdk::prelude::*;
use toolbay_sdk::serde_json::json;
use toolbay_sdk::{call_tool, kv};

plugin!(
    create_order,
    add_customer,
    add_stock,
    get_stock,
    check_customer,
    reserve,
    release,
    confirm
);

/// An order that was taken.
#[data]
pub struct Order {
    /// What it is known by from now on
    pub id: u64,
    pub customer: String,
    pub article: String,
    pub pieces: u32,
}

/// How much of an article is there.
#[data]
pub struct Stock {
    pub article: String,
    /// Pieces that can be ordered
    pub free: u32,
}

/// Somebody who orders.
#[data]
pub struct Customer {
    /// What the customer is known by
    #[schemars(length(min = 1, max = 100))]
    pub name: String,
    /// Pieces that they may have ordered at once
    #[schemars(range(min = 1, max = 10_000))]
    pub limit: u32,
}

/// Orders an article for a customer: checks who it is, reserves the pieces and confirms the order, which it returns.
///
/// Where a step fails, nothing stays reserved.
#[tool(title = "Create an order")]
pub fn create_order(
    /// The customer's name, as it was added
    #[schemars(length(min = 1, max = 100))]
    customer: &str,
    /// What is ordered
    #[schemars(length(min = 1, max = 100))]
    article: &str,
    /// How many
    #[schemars(range(min = 1, max = 10_000))]
    pieces: u32,
    /// A text of your own that is new for a new order and the same for a retry
    #[schemars(length(min = 1, max = 200))]
    idempotency_key: Option<&str>,
) -> Result<Order, ToolError> {
    // The host has dealt with it before this runs.
    let _ = idempotency_key;
    let known: Customer = call_tool("check_customer", json!({"name": customer}))?;
    let wanted = json!({"article": article, "pieces": pieces});
    let _: Stock = call_tool("reserve", &wanted)?;
    let order = json!({"customer": known, "article": article, "pieces": pieces});
    call_tool("confirm", order).or_else(|error: ToolError| {
        let _: Stock = call_tool("release", &wanted)?;
        Err(error)
    })
}

/// Adds a customer, or changes how much one may order at once.
#[tool(title = "Add a customer")]
pub fn add_customer(
    /// The customer's name
    #[schemars(length(min = 1, max = 100))]
    name: &str,
    /// Pieces that they may order at once
    #[schemars(range(min = 1, max = 10_000))]
    #[default(100)]
    limit: u32,
) -> Result<Customer, ToolError> {
    let customer = Customer {
        name: name.to_owned(),
        limit,
    };
    kv::set(&format!("customer/{name}"), &customer)?;
    Ok(customer)
}

/// Adds pieces of an article to the stock, and returns how many are free then.
#[tool(title = "Add to the stock")]
pub fn add_stock(
    /// The article's name
    #[schemars(length(min = 1, max = 100))]
    article: &str,
    /// How many come in
    #[schemars(range(min = 1, max = 1_000_000))]
    pieces: u32,
) -> Result<Stock, ToolError> {
    let free = kv::update(&key(article), |free: Option<u32>| {
        free.unwrap_or_default().saturating_add(pieces)
    })?;
    Ok(Stock {
        article: article.to_owned(),
        free,
    })
}

/// Returns how many pieces of an article are free.
#[tool(title = "Look at the stock")]
pub fn get_stock(
    /// The article's name
    #[schemars(length(min = 1, max = 100))]
    article: &str,
) -> Result<Stock, ToolError> {
    let free = kv::get(&key(article))?.ok_or_else(|| unknown(article))?;
    Ok(Stock {
        article: article.to_owned(),
        free,
    })
}

/// Looks up a customer and returns how much they may order. Takes the customer's name, and fails where there is none of it.
#[tool]
pub fn check_customer(
    /// Who orders, as `add_customer` took it
    #[schemars(length(min = 1, max = 100))]
    name: &str,
) -> Result<Customer, ToolError> {
    kv::get(&format!("customer/{name}"))?.ok_or_else(|| {
        ToolError::not_found(format!(
            "there is no customer `{name}`; add them with `add_customer`"
        ))
    })
}

/// Takes pieces of an article out of the stock, if as many are free.
#[tool]
pub fn reserve(
    /// What is ordered, as `add_stock` took it
    #[schemars(length(min = 1, max = 100))]
    article: &str,
    /// How many
    #[schemars(range(min = 1, max = 10_000))]
    pieces: u32,
) -> Result<Stock, ToolError> {
    let free = kv::try_update(&key(article), |free: Option<u32>| {
        let free = free.ok_or_else(|| unknown(article))?;
        free.checked_sub(pieces).ok_or_else(|| {
            ToolError::conflict(format!(
                "only {free} of `{article}` are free, and {pieces} are ordered"
            ))
        })
    })?;
    Ok(Stock {
        article: article.to_owned(),
        free,
    })
}

/// Puts reserved pieces back into the stock.
#[tool]
pub fn release(
    /// What is ordered, as `add_stock` took it
    #[schemars(length(min = 1, max = 100))]
    article: &str,
    /// How many
    #[schemars(range(min = 1, max = 10_000))]
    pieces: u32,
) -> Result<Stock, ToolError> {
    add_stock(article, pieces)
}

/// Writes an order down and gives it its id, if the customer may order as much.
#[tool]
pub fn confirm(
    /// Who orders
    customer: Customer,
    /// What is ordered, as `add_stock` took it
    #[schemars(length(min = 1, max = 100))]
    article: &str,
    /// How many
    #[schemars(range(min = 1, max = 10_000))]
    pieces: u32,
) -> Result<Order, ToolError> {
    if pieces > customer.limit {
        return Err(ToolError::limit_exceeded(format!(
            "`{}` may order {} pieces at once, and these are {pieces}",
            customer.name, customer.limit
        )));
    }
    let id = kv::update("orders", |last: Option<u64>| last.unwrap_or_default() + 1)?;
    let order = Order {
        id,
        customer: customer.name,
        article: article.to_owned(),
        pieces,
    };
    kv::set(&format!("order/{id:020}"), &order)?;
    Ok(order)
}

fn key(article: &str) -> String {
    format!("stock/{article}")
}

fn unknown(article: &str) -> ToolError {
    ToolError::not_found(format!(
        "there is no article `{article}`; add it with `add_stock`"
    ))
}
