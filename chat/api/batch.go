package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// SendBatchParams is what messages.send_batch takes.
type SendBatchParams struct {
	// Messages are at most 256, to one person or to several. They are queued in
	// this order.
	Messages []SendParams `json:"messages"`
}

// SendBatchResult is what messages.send_batch gives.
type SendBatchResult struct {
	// Items are what became of the messages, in their order.
	Items []SendBatchItem `json:"items"`
}

// SendBatchItem is what became of one message of a batch: exactly one of message
// and error is there.
type SendBatchItem struct {
	// Message is what messages.send would have given.
	Message *event.Message `json:"message,omitempty"`
	// Error is why this message was not queued; its field is that of messages.send.
	Error *ErrorBody `json:"error,omitempty"`
}

func sendBatch(ctx context.Context, c *chat.Client, p SendBatchParams) (SendBatchResult, error) {
	requests := make([]chat.SendRequest, len(p.Messages))
	for i, m := range p.Messages {
		requests[i] = chat.SendRequest{To: m.To.Public, Text: m.Text, ClientRef: m.ClientRef}
	}
	results, err := c.SendBatch(ctx, requests)
	out := SendBatchResult{Items: make([]SendBatchItem, len(results))}
	for i, r := range results {
		if r.Err != nil {
			body := errorBody(r.Err)
			out.Items[i].Error = &body
		} else {
			out.Items[i].Message = &results[i].Message
		}
	}
	return out, err
}
