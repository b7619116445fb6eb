#!/usr/bin/perl
# An old Perl program: HTTP::Tiny, in turn with a whole body and with one from a callback, which it sends in chunks.
use strict;
use warnings;
use HTTP::Tiny;

my $http = HTTP::Tiny->new(timeout => 20, http_proxy => $ENV{HTTP_PROXY});
my $number = 0;
open my $orders, '<', $ARGV[0] or die $!;
while (my $line = <$orders>) {
    chomp $line;
    my ($method, $url, $file) = split /\t/, $line;
    my $response;
    if ($method eq 'PUT') {
        open my $body, '<:raw', $file or die $!;
        my $content = $number++ % 2
            ? sub { read $body, my $piece, 8192; $piece }
            : do { local $/; <$body> // '' };
        $response = $http->put($url, { content => $content });
    } else {
        $response = $http->get($url);
        open my $body, '>:raw', $file or die $!;
        print $body $response->{content};
        close $body;
    }
    die "$response->{status} $response->{reason} $response->{content}\n" unless $response->{success};
}
