/* Compiles the header as C11, twice included, and uses everything in it. */
#include "status1to1.h"
#include "status1to1.h"

static void on_event(status1to1_client client, const char *event_json, void *user_data)
{
    (void)client;
    (void)event_json;
    (void)user_data;
}

int main(void)
{
    status1to1_client client = 0;

    status1to1_free(status1to1_open("{}", &client));
    status1to1_free(status1to1_set_event_callback(client, on_event, 0));
    status1to1_free(status1to1_messages_send(client, "{}"));
    status1to1_free(status1to1_close(client));
    return status1to1_abi_version() == STATUS1TO1_ABI_VERSION ? 0 : 1;
}
