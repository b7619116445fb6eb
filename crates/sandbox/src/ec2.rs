//! EC2: a few describing operations; every other one gets a valid empty response.

use std::sync::Arc;

use async_trait::async_trait;
use auth_model::Region;
use http::request::Parts;
use http::{Method, Response, StatusCode};

use crate::api::{Api, Call, Identity};
use crate::form::Form;
use crate::principals::ACCOUNT;
use crate::response::{Body, ok};
use crate::service_error::{ServiceError, Shape};
use crate::xml::Xml;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// The stand-in.
pub(crate) struct Ec2 {
    pub(crate) regions: Arc<[Region]>,
}

#[async_trait]
impl Api for Ec2 {
    fn identity(&self) -> Identity {
        Identity {
            service: "ec2",
            signing_name: "ec2",
            shape: Shape::Ec2,
            action_prefix: "ec2",
        }
    }

    fn operation(&self, head: &Parts, body: &[u8]) -> Option<String> {
        let form = if head.method == Method::GET {
            Form::parse(head.uri.query().unwrap_or_default())
        } else {
            Form::parse(&String::from_utf8_lossy(body))
        };
        form.value("Action").map(str::to_owned)
    }

    async fn respond(&self, call: Call<'_>) -> Result<Response<Body>, ServiceError> {
        let operation = call.operation.ok_or_else(|| {
            ServiceError::of_operation(
                "InvalidAction",
                StatusCode::BAD_REQUEST,
                "The action is missing or not valid for this web service.",
            )
        })?;
        let xml = Xml::document().element_in(&format!("{operation}Response"), NAMESPACE, |x| {
            let x = x.text("requestId", call.request_id);
            match operation {
                "DescribeRegions" => self.regions(x),
                "DescribeInstances" => instances(x, &call.caller.region),
                _ => x,
            }
        });
        Ok(ok(Shape::Ec2.content_type(), xml.into_string()))
    }
}

impl Ec2 {
    fn regions(&self, x: Xml) -> Xml {
        x.element("regionInfo", |x| {
            self.regions.iter().fold(x, |x, region| {
                x.element("item", |x| {
                    x.text("regionName", region.as_str())
                        .text("regionEndpoint", format!("ec2.{region}.amazonaws.com"))
                        .text("optInStatus", "opt-in-not-required")
                })
            })
        })
    }
}

fn instances(x: Xml, region: &str) -> Xml {
    x.element("reservationSet", |x| {
        x.element("item", |x| {
            x.text("reservationId", "r-0sandbox000000001")
                .text("ownerId", ACCOUNT)
                .element("instancesSet", |x| {
                    x.element("item", |x| {
                        x.text("instanceId", "i-0sandbox000000001")
                            .text("instanceType", "t3.nano")
                            .element("instanceState", |x| x.text("code", "16").text("name", "running"))
                            .element("placement", |x| x.text("availabilityZone", format!("{region}a")))
                            .text("privateIpAddress", "192.0.2.10")
                    })
                })
        })
    })
}
