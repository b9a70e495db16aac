// Package webhook tells accounts' endpoints of the end of requests: it signs
// (Standard Webhooks), keeps the schedule of tries, guards which addresses are
// dialled, and runs the loop that takes owed deliveries from the store.
//
// What is owed, and what a try's outcome means, is decided in package bridge;
// here is only when a try is made and how it goes over the wire.
package webhook
