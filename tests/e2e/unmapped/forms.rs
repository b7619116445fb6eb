//! The rows of EC2 and STS, which are called by forms.

use super::{FORM, all_are_rejected, row};

const GET_ITEM: &str = "X-Amz-Target: DynamoDB_20120810.GetItem\r\n";

#[tokio::test]
async fn forms_that_two_readers_could_read_in_two_ways() {
    let describe = "Action=DescribeVpcs&Version=2016-11-15";
    let rows = [
        row("PUT /?Action=DescribeVpcs", &[], "", "the method"),
        row("POST /x", &[FORM], describe, "the path"),
        row("DELETE /?Action=DescribeVpcs", &[], "", "the method"),
        row("POST /", &[FORM, GET_ITEM], describe, "Action and a header"),
        row(
            "POST /",
            &[FORM, "smithy-protocol: rpc-v2-cbor\r\n"],
            describe,
            "Action and a header",
        ),
        row(
            "POST /",
            &["Content-Type: application/json\r\n"],
            describe,
            "Content-Type",
        ),
        row(
            "POST /",
            &["Content-Type: multipart/form-data; boundary=x\r\n"],
            describe,
            "Content-Type",
        ),
        row(
            "POST /",
            &[FORM, "Content-Encoding: gzip\r\n"],
            describe,
            "content encoding",
        ),
        row(
            "POST /",
            &[
                FORM,
                "Content-Encoding: aws-chunked, gzip\r\nx-amz-decoded-content-length: 3\r\n",
            ],
            "3\r\na=b\r\n0\r\n\r\n",
            "content encoding",
        ),
        row("POST /?Action=DescribeVpcs", &[FORM], "Action=CreateVpc", "there twice"),
        row("POST /", &[FORM], "Action=DescribeVpcs&action=CreateVpc", "there twice"),
        row(
            "POST /",
            &[FORM],
            "Action=DescribeVpcs&x=1;Action=RunInstances",
            "a ';' or NUL",
        ),
        row(
            "POST /",
            &[FORM],
            "x;Action=RunInstances&Action=DescribeVpcs",
            "a ';' or NUL",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=DescribeVpcs&amp;Version=2016-11-15",
            "a ';' or NUL",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=DescribeVpcs&Version=2016-11-15\0",
            "a ';' or NUL",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=DescribeVpcs&+Action=RunInstances",
            "a parameter's name",
        ),
        row("POST /", &[FORM], "Action.1=DescribeVpcs&Action.2=CreateVpc", "Action"),
        row("POST /", &[FORM], "Version=2016-11-15", "without Action"),
        row("GET /?Version=2016-11-15", &[], "", "without Action"),
        row("POST /", &[FORM], "Action=DescribeV%pcs", "hexadecimal"),
        row("POST /", &[FORM], "Action=DescribeVpcs&VpcId.1=%ff", "UTF-8"),
        row(
            "POST /",
            &[FORM],
            "Action=DescribeVpcs&VpcId.1=\u{e9}%zz",
            "hexadecimal",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=MakeEverythingFree",
            "Action: no known operation",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i 1",
            "InstanceId",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.2%20=i-2",
            "a parameter's name",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.two=i-2",
            "a parameter's name",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i-1&InstanceId.02=i-2",
            "a parameter's name",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i-1&instanceId.2=i-2",
            "in another case",
        ),
        row(
            "POST /",
            &[FORM],
            "Action=TerminateInstances&InstanceId.1=i-1&InstanceId%00=i-2",
            "a parameter's name",
        ),
        row(
            "POST /",
            &["Content-Type: application/x-www-form-urlencoded; charset=utf-16\r\n"],
            describe,
            "charset",
        ),
    ];
    all_are_rejected("ec2", &rows).await;
    let rows = [
        row(
            "POST /",
            &[FORM],
            "Action=AssumeRole&RoleArn=arn:aws:iam::1:role/*&RoleSessionName=s",
            "RoleArn",
        ),
        row("POST /", &[FORM], "Action=GetFederationToken&Name=a*", "Name"),
        row(
            "POST /",
            &[FORM],
            "Action=AssumeRoot&TargetPrincipal=x",
            "TargetPrincipal",
        ),
        row("POST /", &[FORM], "Action=Surprise", "Action"),
        row(
            "POST /",
            &[FORM],
            "Action=GetCallerIdentity&x=1;Action=AssumeRole",
            "a ';' or NUL",
        ),
    ];
    all_are_rejected("sts", &rows).await;
}
