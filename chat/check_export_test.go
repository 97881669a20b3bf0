package chat

import "context"

// Inspect is the engine's part of CheckStore, in a transaction of the test.
func (c *Client) Inspect(tx Tx) (problems []string, err error) {
	err = c.inspect(context.Background(), tx, func(p string) { problems = append(problems, p) })
	return problems, err
}
