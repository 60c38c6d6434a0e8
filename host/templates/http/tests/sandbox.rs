//! The tool as a client calls it: built, loaded and run in the real sandbox, with a server on this machine in place of the real one.

use toolbay_sdk::serde_json::json;
use toolbay_sdk::testing::{self, Response};

#[test]
fn the_forecast_is_looked_up() {
    let mut plugin = testing::plugin()
        .http("https://api.open-meteo.com", |_request| {
            Response::json(json!({"daily": {
                "time": ["2026-01-01", "2026-01-02"],
                "temperature_2m_min": [-1.5, 0.0],
                "temperature_2m_max": [3.0, 4.5],
                "precipitation_sum": [0.2, null],
            }}))
        })
        .start();
    let outcome = plugin.call("forecast", json!({"latitude": 52.5, "longitude": 13.4, "days": 2}));
    insta::assert_json_snapshot!(outcome.structured(), @r#"
    {
      "days": [
        {
          "date": "2026-01-01",
          "lowest": -1.5,
          "highest": 3.0,
          "precipitation": 0.2
        },
        {
          "date": "2026-01-02",
          "lowest": 0.0,
          "highest": 4.5,
          "precipitation": null
        }
      ]
    }
    "#);
    assert_eq!(plugin.requests().len(), 1);
}

#[test]
fn a_server_that_is_down_is_an_error_to_act_on() {
    let mut plugin = testing::plugin()
        .http("https://api.open-meteo.com", |_request| Response::status(503))
        .start();
    let outcome = plugin.call("forecast", json!({"latitude": 52.5, "longitude": 13.4}));
    assert_eq!(outcome.error_code(), Some("unavailable"));
}
