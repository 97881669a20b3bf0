// Compiles the header as C++17.
#include "status1to1.h"

#include <memory>

int main()
{
    status1to1_client client = 0;
    std::unique_ptr<char, decltype(&status1to1_free)> answer(status1to1_open("{}", &client), status1to1_free);

    answer.reset(status1to1_set_event_callback(client, [](status1to1_client, const char *, void *) {}, nullptr));
    answer.reset(status1to1_messages_send(client, nullptr));
    return status1to1_abi_version() == STATUS1TO1_ABI_VERSION ? 0 : 1;
}
