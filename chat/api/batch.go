package api

import (
	"context"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
)

// SendBatchParams are the parameters of messages.send_batch.
type SendBatchParams struct {
	// Messages are the messages to queue, at most 256, to one person or several. They
	// are queued in this order.
	Messages []SendParams `json:"messages"`
}

// SendBatchResult is the result of messages.send_batch.
type SendBatchResult struct {
	// Items are the results for each message, in the order of the messages.
	Items []SendBatchItem `json:"items"`
}

// SendBatchItem is the result for one message of a batch: either message or error is
// present, never both.
type SendBatchItem struct {
	// Message is the queued message, as messages.send returns it.
	Message *event.Message `json:"message,omitempty"`
	// Error is the reason this message was not queued. Its field is a parameter of
	// messages.send.
	Error *ErrorBody `json:"error,omitempty"`
}

func sendBatch(ctx context.Context, c *chat.Client, p SendBatchParams) (SendBatchResult, error) {
	requests := make([]chat.SendRequest, len(p.Messages))
	for i, m := range p.Messages {
		if len(m.Attachments) > 0 {
			return SendBatchResult{}, chat.Errorf(chat.CodeBadParams, member(element("messages", i), "attachments"), "attachments are sent by messages.send")
		}
		requests[i] = m.request()
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
